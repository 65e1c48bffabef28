//! Kernels that everything refits: a logistic fit of 1,000,000 x 40, and a whole decomposition of 20,000 units.

use criterion::{Criterion, criterion_group, criterion_main};
use gapshare::decompose::Method;
use gapshare::decompose::fairlie::Fairlie;
use gapshare::decompose::fits::Fits;
use gapshare::decompose::khb::Khb;
use gapshare::decompose::oaxaca::OaxacaBlinder;
use gapshare::decompose::with_and_without::WithAndWithout;
use gapshare::design::{Column, Contrast, Design, Group};
use gapshare::model::{ModelMatrix, Term, expit, glm};
use gapshare::vocab::{Family, Role};
use ndarray::{Array1, Array2};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;

/// n units, `p` columns beside intercept and group, in `blocks` blocks.
fn design(n: usize, p: usize, blocks: usize) -> Design {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut uniform = || (rng.next_u64() >> 11) as f64 / 2f64.powi(53);
    let n0 = n * 3 / 4;
    let mut x = Array2::zeros((n, p + 2));
    let mut y = Array1::zeros(n);
    for i in 0..n {
        x[[i, 0]] = 1.0;
        x[[i, 1]] = f64::from(u8::from(i >= n0));
        let mut eta = -2.0;
        for j in 0..p {
            let v = uniform() + uniform() - 1.0 + 0.2 * x[[i, 1]];
            x[[i, j + 2]] = v;
            eta += v * 0.5 / (1.0 + j as f64).sqrt();
        }
        y[i] = f64::from(u8::from(uniform() < expit(eta)));
    }
    let column = |term: String, role| Column { variable: term.clone(), term, role, requires: Vec::new(), level: None, product: None };
    let mut columns = vec![column("(intercept)".into(), Role::Intercept), column("(group)".into(), Role::Group)];
    columns.extend((0..p).map(|j| column(format!("x{j}"), Role::Block(j * blocks / p))));
    Design {
        family: Family::Binomial,
        y,
        x,
        columns,
        factors: Vec::new(),
        blocks: (0..blocks).map(|k| format!("block{k}")).collect(),
        groups: vec![Group { label: "reference".into(), rows: 0..n0 }, Group { label: "index".into(), rows: n0..n }],
        weight: Array1::ones(n),
        weighted: false,
        clusters: None,
        exposure: None,
        described: Vec::new(),
        cohort_row: (0..n as u32).collect(),
        labelled: Vec::new(),
        dropped: Vec::new(),
    }
}

fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("kernels");
    group.sample_size(10);
    let big = design(1_000_000, 39, 3);
    let (y, w) = (big.y.to_vec(), big.weight.to_vec());
    let terms: Vec<Term> = (0..41).filter(|&j| j != 1).map(Term::Column).collect();
    group.bench_function("logistic fit, 1,000,000 x 40", |b| {
        b.iter(|| {
            let m = ModelMatrix::new(big.x.view(), terms.clone(), vec![0..750_000, 750_000..1_000_000]);
            m.map(|m| black_box(glm::fit(&m, Family::Binomial, &y, &w).map(|f| f.beta)))
        });
    });
    let study = design(20_000, 12, 3);
    let contrast = Contrast::new(&study, 1);
    group.bench_function("with_and_without, 20,000 units, 3 blocks, dr", |b| {
        b.iter(|| black_box(WithAndWithout::default().decompose(&Fits::new(&contrast)).map(|d| d.rows.len())));
    });
    let detailed = OaxacaBlinder { detail: true, ..OaxacaBlinder::default() };
    group.bench_function("oaxaca_blinder logit in detail, 20,000 units, 12 columns", |b| {
        b.iter(|| black_box(detailed.decompose(&Fits::new(&contrast)).map(|d| d.rows.len())));
    });
    group.bench_function("fairlie exact with errors, 20,000 units, 3 blocks of 4 variables", |b| {
        b.iter(|| black_box(Fairlie::default().decompose(&Fits::new(&contrast)).map(|d| d.rows.len())));
    });
    group.bench_function("khb, 20,000 units, 12 columns", |b| {
        b.iter(|| black_box(Khb::default().decompose(&Fits::new(&contrast)).map(|d| d.rows.len())));
    });
    // The committed sample: reading, joins, 16 models, influence functions, tables and report.
    let out = std::env::temp_dir().join("gapshare-bench");
    let pipeline = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("pipelines/cardiac_surgery.yaml");
    let options = gapshare::run::Options { out: Some(out), ..gapshare::run::Options::default() };
    group.bench_function("cardiac study end to end, 20,000 units", |b| {
        b.iter(|| black_box(gapshare::run::run(&pipeline, &options, &|_| ()).map(|o| o.results.tables.len()).ok()));
    });
    group.finish();
}

criterion_group!(benches, kernels);
criterion_main!(benches);
