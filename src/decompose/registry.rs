//! Every method with its settings, for the tests that hold all of them to the same identities.

use super::Method;
use super::fairlie::Fairlie;
use super::gelbach::Gelbach;
use super::khb::Khb;
use super::oaxaca::{Coefficients, Fold, OaxacaBlinder};
use super::rank_and_replace::RankAndReplace;
use super::with_and_without::{Estimator, Surface, Target, WithAndWithout};
use super::yun::Yun;
use crate::vocab::Family;

/// Every method with each of its settings that changes the formula, as far as they accept the family: what the identity tests
/// run over.
pub fn registered(family: Family) -> Vec<Box<dyn Method>> {
    let mut out: Vec<Box<dyn Method>> = vec![Box::new(Gelbach { linear: true, ..Gelbach::default() })];
    for target in [Target::Index, Target::Reference, Target::Pooled] {
        for (surface, estimator) in [
            (Surface::ReferenceModel, Estimator::Dr),
            (Surface::ReferenceModel, Estimator::Gcomp),
            (Surface::ReferenceModel, Estimator::Ipw),
            (Surface::PooledMain, Estimator::Gcomp),
            (Surface::PooledInteracted, Estimator::Gcomp),
        ] {
            out.push(Box::new(WithAndWithout { surface, estimator, target, ..WithAndWithout::default() }));
        }
    }
    for linear in [true, false] {
        let detailed = OaxacaBlinder { linear, detail: true, ..OaxacaBlinder::default() };
        for reference in
            [Coefficients::Reference, Coefficients::Index, Coefficients::Pooled, Coefficients::Neumark, Coefficients::Cotton, Coefficients::Reimers]
        {
            out.push(Box::new(OaxacaBlinder { reference, ..detailed.clone() }));
        }
        for reference in [Coefficients::Reference, Coefficients::Index] {
            out.push(Box::new(OaxacaBlinder { reference, fold: Fold::Three, ..detailed.clone() }));
        }
    }
    for coefficients in [Coefficients::Reference, Coefficients::Index, Coefficients::Pooled] {
        out.push(Box::new(Yun { coefficients, se: Default::default() }));
    }
    for coefficients in [Coefficients::Reference, Coefficients::Index, Coefficients::Pooled] {
        for sequential in [false, true] {
            out.push(Box::new(Fairlie { coefficients, sequential, ..Fairlie::default() }));
        }
    }
    for combined in [false, true] {
        out.push(Box::new(RankAndReplace { combined, ..RankAndReplace::default() }));
    }
    for ape in [false, true] {
        out.push(Box::new(Khb { ape, ..Khb::default() }));
    }
    out.retain(|m| m.refuses(family).is_none());
    out
}
