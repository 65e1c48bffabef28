//! Chunked accumulation over rows, and a Cholesky factor that finds dependent columns.

use ndarray::Array2;
use rayon::prelude::*;
use std::ops::Range;

/// Rows in one packed block: 256 rows of 40 columns stay in the second-level cache.
pub const BLOCK: usize = 256;

/// Splits row ranges into chunks whose borders depend on the number of rows only, never on threads.
///
/// There are at most 64 chunks and each has at least 4,096 rows, so that partial results stay few and small.
pub fn chunks(rows: &[Range<usize>]) -> Vec<Range<usize>> {
    let n: usize = rows.iter().map(|r| r.len()).sum();
    let size = n.div_ceil(64).max(4096).next_multiple_of(BLOCK);
    let mut out = Vec::new();
    for r in rows {
        let mut start = r.start;
        while start < r.end {
            let end = (start + size).min(r.end);
            out.push(start..end);
            start = end;
        }
    }
    out
}

/// Maps chunks of rows in parallel and adds the results up in the order of the chunks: the same bits at any thread count.
pub fn accumulate<T: Send>(rows: &[Range<usize>], map: impl Fn(Range<usize>) -> T + Sync + Send, add: impl FnMut(&mut T, T)) -> Option<T> {
    accumulate_over(chunks(rows), map, add)
}

/// [`accumulate`] with the chunks given.
pub fn accumulate_over<T: Send>(
    chunks: Vec<Range<usize>>,
    map: impl Fn(Range<usize>) -> T + Sync + Send,
    mut add: impl FnMut(&mut T, T),
) -> Option<T> {
    let parts: Vec<T> = chunks.into_par_iter().map(map).collect();
    let mut parts = parts.into_iter();
    let mut total = parts.next()?;
    for part in parts {
        add(&mut total, part);
    }
    Some(total)
}

/// Relative size of a column's remainder, given the columns before it, below which it counts as dependent on them.
pub const RANK_TOLERANCE: f64 = 1e-9;

/// `G = L L'` over the columns that are not linear combinations of earlier ones.
#[derive(Clone, Debug)]
pub struct Cholesky {
    /// Lower triangle over `kept`, row-major.
    l: Array2<f64>,
    /// Positions of the independent columns, ascending.
    pub kept: Vec<usize>,
    /// Positions of the columns that depend on earlier ones.
    pub dropped: Vec<usize>,
}

impl Cholesky {
    /// Factors a symmetric positive semi-definite (p, p) matrix. A column whose remainder is at most
    /// `RANK_TOLERANCE` of its diagonal (or whose diagonal is not positive) is dropped: the later column goes.
    pub fn new(g: &Array2<f64>) -> Self {
        let p = g.nrows();
        let mut rows: Vec<Vec<f64>> = Vec::with_capacity(p);
        let (mut kept, mut dropped) = (Vec::new(), Vec::new());
        for j in 0..p {
            let mut row = Vec::with_capacity(kept.len() + 1);
            for (a, &k) in kept.iter().enumerate() {
                let before: f64 = row.iter().zip(&rows[a]).map(|(x, y): (&f64, &f64)| x * y).sum();
                row.push((g[[j, k]] - before) / rows[a][a]);
            }
            let rest = g[[j, j]] - row.iter().map(|x| x * x).sum::<f64>();
            if rest.is_finite() && rest > RANK_TOLERANCE * g[[j, j]] && g[[j, j]] > 0.0 {
                row.push(rest.sqrt());
                rows.push(row);
                kept.push(j);
            } else {
                dropped.push(j);
            }
        }
        let k = kept.len();
        let mut l = Array2::zeros((k, k));
        for (i, row) in rows.iter().enumerate() {
            for (j, v) in row.iter().enumerate() {
                l[[i, j]] = *v;
            }
        }
        Self { l, kept, dropped }
    }

    /// Solves `G b = a` over the kept columns; dropped positions of the result are 0.
    pub fn solve(&self, a: &[f64]) -> Vec<f64> {
        let k = self.kept.len();
        let mut z = vec![0.0; k];
        for i in 0..k {
            let row = self.l.row(i);
            let s: f64 = (0..i).map(|j| row[j] * z[j]).sum();
            z[i] = (a[self.kept[i]] - s) / row[i];
        }
        for i in (0..k).rev() {
            let s: f64 = (i + 1..k).map(|j| self.l[[j, i]] * z[j]).sum();
            z[i] = (z[i] - s) / self.l[[i, i]];
        }
        let mut out = vec![0.0; a.len()];
        for (i, &j) in self.kept.iter().enumerate() {
            out[j] = z[i];
        }
        out
    }

    /// `L'^-1 z` over the kept columns, 0 for dropped ones: with independent standard normal `z`, one a kept column, a draw with
    /// covariance `G^-1`.
    pub fn draw(&self, z: &[f64]) -> Vec<f64> {
        let k = self.kept.len();
        let mut v = z[..k].to_vec();
        for i in (0..k).rev() {
            let s: f64 = (i + 1..k).map(|j| self.l[[j, i]] * v[j]).sum();
            v[i] = (v[i] - s) / self.l[[i, i]];
        }
        let mut out = vec![0.0; k + self.dropped.len()];
        for (v, &j) in v.iter().zip(&self.kept) {
            out[j] = *v;
        }
        out
    }

    /// Logarithm of the determinant over the kept columns.
    pub fn log_determinant(&self) -> f64 {
        2.0 * self.l.diag().iter().map(|v| v.ln()).sum::<f64>()
    }

    /// The inverse over the kept columns; rows and columns of dropped ones are 0. Shape (p, p).
    pub fn inverse(&self) -> Array2<f64> {
        let p = self.kept.len() + self.dropped.len();
        let mut out = Array2::zeros((p, p));
        let mut unit = vec![0.0; p];
        for &j in &self.kept {
            unit[j] = 1.0;
            for (i, v) in self.solve(&unit).into_iter().enumerate() {
                out[[i, j]] = v;
            }
            unit[j] = 0.0;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn solves_and_inverts_a_small_matrix() {
        // A = [[4,2],[2,3]], inverse = [[3,-2],[-2,4]]/8
        let c = Cholesky::new(&array![[4.0, 2.0], [2.0, 3.0]]);
        let b = c.solve(&[2.0, 1.0]);
        assert!((b[0] - 0.5).abs() < 1e-15 && b[1].abs() < 1e-15);
        assert!((c.log_determinant() - 8f64.ln()).abs() < 1e-15);
        let inv = c.inverse();
        for (got, want) in inv.iter().zip([0.375, -0.25, -0.25, 0.5]) {
            assert!((got - want).abs() < 1e-15);
        }
    }

    #[test]
    fn draws_have_the_inverse_as_covariance() {
        // The columns L'^-1 e_j, taken together, are a square root of the inverse.
        let c = Cholesky::new(&array![[4.0, 2.0], [2.0, 3.0]]);
        let (a, b) = (c.draw(&[1.0, 0.0]), c.draw(&[0.0, 1.0]));
        for (i, j, want) in [(0, 0, 0.375), (0, 1, -0.25), (1, 1, 0.5)] {
            assert!((a[i] * a[j] + b[i] * b[j] - want).abs() < 1e-15);
        }
    }

    #[test]
    fn a_later_dependent_column_is_dropped() {
        // columns u, v, u + v
        let (uu, uv, vv) = (2.0, 0.5, 1.0);
        let g = array![[uu, uv, uu + uv], [uv, vv, uv + vv], [uu + uv, uv + vv, uu + 2.0 * uv + vv]];
        let c = Cholesky::new(&g);
        assert_eq!((c.kept.clone(), c.dropped.clone()), (vec![0, 1], vec![2]));
        assert_eq!(c.solve(&[1.0, 1.0, 2.0])[2], 0.0);
    }

    #[test]
    fn chunks_cover_every_row_once_and_do_not_cross_ranges() {
        let rows = [3..9000, 10_000..10_001];
        let got = chunks(&rows);
        assert_eq!(got.iter().map(|r| r.len()).sum::<usize>(), 8998);
        assert!(got.iter().all(|c| rows.iter().any(|r| r.start <= c.start && c.end <= r.end)));
    }
}
