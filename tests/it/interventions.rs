//! The methods that equalise a block or a treatment, against peers, published truths and an independent numpy implementation
//! (`tests/known/make_interventions.py`).

use crate::frames::{Columns, Frame, close, expected, label, near};
use gapshare::decompose::cdgd::Cdgd;
use gapshare::decompose::fits::Fits;
use gapshare::decompose::{Component, Decomposition, Method, Part};
use gapshare::design::{Contrast, Design};
use gapshare::estimate::Sampling;
use gapshare::vocab::{BlockSet, Family};

fn run(d: &Design, m: &dyn Method) -> Decomposition {
    let c = Contrast::new(d, 1);
    m.decompose(&Fits::new(&c)).unwrap_or_else(|e| panic!("{m:?}: {e}"))
}

/// The example data of R cdgd, Q as the block, `confounder` as another; `group_a` is the advantaged group.
fn exp_data() -> Option<Design> {
    let f = Frame::read("reference/data/cdgd_exp_data.csv")?;
    let mut d = Columns {
        family: Family::Gaussian,
        y: f.number("outcome"),
        group: f.number("group_a").iter().map(|g| 1.0 - g).collect(),
        allowable: vec![],
        blocks: vec![("Q", vec![("Q", f.number("Q"))]), ("confounder", vec![("confounder", f.number("confounder"))])],
        weight: None,
        cluster: None,
    }
    .design();
    label(&mut d, "treatment", f.text("treatment"));
    Some(d)
}

/// T13, C09: what R cdgd 1.0.1 prints, estimates and errors; its signs are advantaged - disadvantaged.
#[test]
fn c09_cdgd() {
    for (case, given, names) in [
        ("C09.cdgd0_pa.exp_data", None, ["prevalence", "effect", "selection"].to_vec()),
        (
            "C09.cdgd1_pa.exp_data",
            Some(BlockSet::one(0)),
            ["conditional prevalence", "conditional effect", "conditional selection", "Q distribution"].to_vec(),
        ),
    ] {
        let (Some(d), Some(want)) = (exp_data(), expected(case)) else { return };
        let peer = run(&d, &Cdgd { treatment: "treatment".into(), given, eif_only: true });
        let ours = run(&d, &Cdgd { treatment: "treatment".into(), given, eif_only: false });
        let s = Sampling::new(1000, None, 0.95);
        let components = peer.rows.iter().filter(|r| r.part == Part::Explained && r.component != Component::Total);
        let mut pairs: Vec<(&str, usize)> = vec![("total", 0), ("baseline", peer.rows.len() - 1)];
        pairs.extend(names.into_iter().zip(3..));
        assert_eq!(components.count(), pairs.len() - 2);
        for (name, at) in pairs {
            let (value, se) = want[name];
            close(name, -peer.rows[at].estimate.value, value, 1e-9);
            close(name, s.std_error(&peer.rows[at].estimate), se.unwrap(), 1e-8);
            near(name, ours.rows[at].estimate.value, peer.rows[at].estimate.value, 1e-14);
        }
        let jackson = peer.facts.iter().find(|f| f.check == "cdgd_jackson_reduction").unwrap();
        let (value, se) = want[if given.is_none() { "specific|Jackson reduction" } else { "conditional Jackson reduction" }];
        close("Jackson reduction", jackson.value.unwrap(), value, 1e-9);
        assert!(jackson.message.ends_with(&format!("standard error {:.6}", se.unwrap())), "{}", jackson.message);
    }
}
