//! Every method with its settings, for the tests that hold all of them to the same identities.

use super::Method;
use super::cdgd::Cdgd;
use super::fairlie::Fairlie;
use super::gelbach::Gelbach;
use super::hospital::{Effects, Errors, Hospital, HospitalsAs, Unsupported};
use super::interventional::{self, Interventional};
use super::khb::Khb;
use super::mechanisms::Mechanisms;
use super::oaxaca::{Coefficients, Fold, OaxacaBlinder};
use super::rank_and_replace::RankAndReplace;
use super::with_and_without::{Estimator, Surface, Target, WithAndWithout};
use super::yun::Yun;
use crate::estimate::resample::Bootstrap;
use crate::vocab::{BlockSet, Family};

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
    for shapley in [false, true] {
        out.push(Box::new(Mechanisms { shapley, ..Mechanisms::default() }));
    }
    for given in [None, Some(BlockSet::NONE), Some(BlockSet::one(1))] {
        out.push(Box::new(Cdgd { treatment: "treated".into(), given, eif_only: false }));
    }
    for (equalize, given) in [(BlockSet::one(1), BlockSet::NONE), (BlockSet::one(1), BlockSet::one(0)), (BlockSet::one(0).with(1), BlockSet::NONE)] {
        use interventional::Estimator;
        for estimator in [Estimator::Dr, Estimator::Gcomp, Estimator::Product, Estimator::Donors] {
            // Strata of numbers are fifths, and how many donors they need counts rows: given the blocks as well, the identities of weights and
            // of turned scales hold for neither.
            if estimator == Estimator::Donors && !given.is_empty() {
                continue;
            }
            out.push(Box::new(Interventional { equalize, given, estimator, bootstrap: Bootstrap { replicates: 20, seed: 1 } }));
        }
    }
    // Given the hospitals, influences are those of the efficient influence function: without the leverage they have mean 0.
    let hospital = Hospital {
        id: Some("site".into()),
        effects: Effects::Ids,
        given: BlockSet::NONE,
        block: None,
        unsupported: Unsupported::Auto,
        hospitals_as: HospitalsAs::Population,
        quadrature: 1,
        errors: Errors::Plain,
    };
    // Whether a family has an estimate is judged by rows, not weights: with strong weights a repeated row is not the same as a weight there.
    out.push(Box::new(Hospital { given: BlockSet::one(1), ..hospital.clone() }));
    out.push(Box::new(Hospital { effects: Effects::Characteristics, id: None, block: Some(1), given: BlockSet::one(0), ..hospital.clone() }));
    out.push(Box::new(hospital));
    out.retain(|m| m.refuses(family).is_none());
    out
}
