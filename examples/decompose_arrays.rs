//! A decomposition of arrays, without a study file: a design by hand, a method, estimates with their intervals.
//!
//! ```sh
//! cargo run --release --example decompose_arrays
//! ```

use gapshare::decompose::fits::Fits;
use gapshare::decompose::with_and_without::WithAndWithout;
use gapshare::decompose::{Component, Method};
use gapshare::design::Contrast;
use gapshare::design::arrays::Arrays;
use gapshare::estimate::Sampling;
use gapshare::inference::infer_decomposition;
use gapshare::vocab::Family;
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    // Invented patients: the index group is older, sicker, and less often at a good hospital.
    let mut state = 1u64;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / 2f64.powi(53)
    };
    let n = 4000;
    let (mut outcome, mut index) = (Vec::new(), Vec::new());
    let (mut age, mut severity, mut good) = (Vec::new(), Vec::new(), Vec::new());
    for i in 0..n {
        let black = i % 4 == 0;
        let of_group = f64::from(u8::from(black));
        let a = 55.0 + 3.0 * of_group + 20.0 * uniform();
        let s = 0.5 * of_group + 2.0 * uniform();
        let g = f64::from(u8::from(uniform() < 0.6 - 0.2 * of_group));
        let risk = 0.02 + 0.002 * (a - 55.0) + 0.05 * s - 0.04 * g + 0.02 * of_group;
        outcome.push(f64::from(u8::from(uniform() < risk)));
        index.push(black);
        age.push(a);
        severity.push(s);
        good.push(g);
    }
    let data = Arrays {
        family: Family::Binomial,
        outcome,
        index,
        allowable: vec![("age", age)],
        blocks: vec![("clinical", vec![("severity", severity)]), ("hospital", vec![("good_hospital", good)])],
        weight: None,
        cluster: None,
    };
    let design = data.design().map_err(gapshare::Error::from)?;

    let contrast = Contrast::new(&design, 1);
    let fits = Fits::new(&contrast);
    let decomposition = WithAndWithout::default().decompose(&fits).map_err(|e| e.to_string())?;
    let sampling = Sampling::new(contrast.n(), None, 0.95);
    for row in infer_decomposition(&decomposition, &sampling) {
        let component = match row.component {
            Component::Block(k) => design.blocks[k].clone(),
            other => format!("{other:?}").to_lowercase(),
        };
        let v = row.value;
        println!("{:12} {component:10} {:8.4} [{:.4}, {:.4}]", row.part.name(), v.estimate, v.conf_low, v.conf_high);
    }
    Ok(())
}
