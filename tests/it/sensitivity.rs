//! The sensitivity section: known answers of R `sensemakr`, an independent numpy implementation on the LCG data
//! (`tests/known/make_sensitivity.py`), and identities with studies that are written out by hand.

use crate::frames::{Columns, Frame, close, expected};
use gapshare::decompose::fits::Fits;
use gapshare::design::Contrast;
use gapshare::sensitivity::omitted::{adjusted_gap, partial_r2};
use gapshare::vocab::{Family, Role};

/// C14: R `sensemakr` on its Darfur data, 486 village indicators among the covariates.
#[test]
fn c14_omitted_variable_bounds() {
    let (Some(f), Some(want)) = (Frame::read("reference/data/darfur.csv"), expected("C14.sensemakr.darfur")) else { return };
    let mut villages: Vec<String> = f.text("village").to_vec();
    villages.sort();
    villages.dedup();
    let number = |name: &'static str| (name, f.number(name));
    let mut allowable: Vec<(&str, Vec<f64>)> = ["age", "farmer_dar", "herder_dar", "pastvoted", "hhsize_darfur"].map(number).to_vec();
    allowable.extend(villages.iter().skip(1).map(|v| (v.as_str(), f.is("village", v))));
    let d = Columns {
        family: Family::Gaussian,
        y: f.number("peacefactor"),
        group: f.number("directlyharmed"),
        allowable,
        blocks: vec![("sex", vec![number("female")])],
        weight: None,
        cluster: None,
    }
    .design();
    let c = Contrast::new(&d, 1);
    let fits = Fits::new(&c);
    let gap = adjusted_gap(&fits).unwrap();
    let value = |key: &str| want[key].0;
    close("estimate", gap.estimate, value("estimate"), 1e-9);
    close("standard error", gap.std_error, value("se"), 1e-9);
    close("t", gap.t(), value("t_statistic"), 1e-9);
    close("df", gap.df, value("dof"), 0.0);
    close("partial R2", gap.partial_r2(), value("r2yd.x"), 1e-9);
    close("RV", gap.robustness_value(1.0), value("rv_q"), 1e-9);
    close("RV at 5%", gap.robustness_value_at(1.0, 0.05), value("rv_qa"), 1e-9);
    let female = partial_r2(&fits, |column| column.role == Role::Block(0)).unwrap();
    let by_name = partial_r2(&fits, |column| column.variable == "female").unwrap();
    assert_eq!(female, by_name);
    for multiple in [1.0, 2.0, 3.0] {
        let bound = gap.bound(female, multiple).unwrap();
        let key = |name: &str| value(&format!("bound kd={multiple}|{name}"));
        close("R2 with the group", bound.r2_group, key("r2dz.x"), 1e-9);
        close("R2 with the outcome", bound.r2_outcome, key("r2yz.dx"), 1e-9);
        close("adjusted estimate", bound.adjusted.estimate, key("adjusted_estimate"), 1e-9);
        close("adjusted standard error", bound.adjusted.std_error, key("adjusted_se"), 1e-9);
        close("adjusted t", bound.adjusted.t(), key("adjusted_t"), 1e-9);
    }
}
