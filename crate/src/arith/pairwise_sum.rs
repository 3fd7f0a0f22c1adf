//! Sums in the order of NumPy's pairwise summation.
//!
//! NumPy 2, `_core/src/umath/loops_utils.h.src`.

use crate::arith::f32_via_f64::F32ViaF64;
use crate::arith::group::{Group, flat, group_count, map_into};
use crate::arith::subnormal::{MIN_NORMAL, any_below};

/// Longest run NumPy sums without cutting it in two (`PW_BLOCKSIZE` in its `loops_utils.h.src`).
pub const RUN: usize = 128;

/// NumPy's pairwise float32 sum of `len` terms, given the sums of runs of at most [`RUN`] of them by `run(from, len)`.
///
/// Halves are cut at a multiple of 8. Rounding errors grow with log(len) instead of len, and since NumPy does it so
/// must we: the norm, and with it every clipped gradient, has Keras' bits.
pub fn pairwise_sum(from: usize, len: usize, run: &mut impl FnMut(usize, usize) -> f32) -> f32 {
    pairwise(from, len, RUN, run)
}

/// The upper part of that sum: given the sums of subtrees of at most `longest` terms, which is [`RUN`] or more.
pub fn pairwise(from: usize, len: usize, longest: usize, subtree: &mut impl FnMut(usize, usize) -> f32) -> f32 {
    if len <= longest {
        return subtree(from, len);
    }
    let half = len / 2;
    let half = half - half % 8;
    let left = pairwise(from, half, longest, subtree);
    let right = pairwise(from + half, len - half, longest, subtree);
    left + right
}

/// The sum of squares of a slice: [`pairwise_sum`] once more, without closures, which makes a step with a global norm 1.05×
/// faster; and runs are summed by the call that cuts them apart, which makes it 1.02× faster again.
pub fn sum_of_squares(x: &[f32]) -> f32 {
    if x.len() <= RUN {
        return run_sum(x, square);
    }
    let half = x.len() / 2;
    let (left, right) = x.split_at(half - half % 8);
    if right.len() <= RUN {
        return run_sum(left, square) + run_sum(right, square);
    }
    sum_of_squares(left) + sum_of_squares(right)
}

/// NumPy's sum of a run of at most [`RUN`] terms: eight running sums, added up as a tree, then the remainder.
#[inline]
pub fn run_sum(x: &[f32], term: impl Fn(f32) -> f32) -> f32 {
    let (eights, rest) = x.as_chunks::<8>();
    let mut sum = 0.0;
    if let Some((first, eights)) = eights.split_first() {
        let mut r = first.map(&term);
        for eight in eights {
            for (r, &x) in r.iter_mut().zip(eight) {
                *r += term(x);
            }
        }
        // Without this the compiler permutes lanes in every iteration to suit the final tree: three shuffles, with which a
        // step with a global norm is 1.05 to 1.08 times slower.
        let r = core::hint::black_box(r);
        sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    }
    for &x in rest {
        sum += term(x);
    }
    sum
}

/// g², rounded before it is summed.
#[inline]
pub fn square(g: f32) -> f32 {
    g * g
}

/// The sum of squares of the first `len` elements of a run that may hold subnormal numbers.
pub fn run_sum_via_f64(x: &[Group], len: usize) -> f32 {
    if !any_below(x, MIN_NORMAL / 2) {
        return run_sum(&flat(x)[..len], square);
    }
    let mut squares = [Group::ZERO; group_count(RUN)];
    let squares = map_into(&mut squares, x, |x: F32ViaF64| x * x);
    run_sum(&flat(squares)[..len], |square| square)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_float, bits};
    use proptest::prelude::*;

    proptest! {
        /// The pairwise sum is near the true sum, whatever the length: an order of additions, not another result.
        #[test]
        fn pairwise_sum_is_a_sum(x in prop::collection::vec(-1.0f32..1.0, 0..2000)) {
            let exact: f64 = x.iter().map(|&x| f64::from(x * x)).sum();
            prop_assert!((f64::from(sum_of_squares(&x)) - exact).abs() <= 1e-6 * exact);
        }

        /// Whole numbers small enough to add without rounding give the exact sum in any order.
        #[test]
        fn no_term_is_lost_or_doubled(x in prop::collection::vec(-16i16..16, 0..3000)) {
            let exact: i32 = x.iter().map(|&x| i32::from(x) * i32::from(x)).sum();
            let floats: Vec<f32> = x.into_iter().map(f32::from).collect();
            prop_assert_eq!(sum_of_squares(&floats), exact as f32);
        }

        /// The sum over slices has the bits of the one of runs.
        #[test]
        fn both_pairwise_sums_are_the_same(x in prop::collection::vec(any_float(), 0..3000)) {
            let of_runs = pairwise_sum(0, x.len(), &mut |from, len| run_sum(&x[from..from + len], square));
            prop_assert_eq!(bits(sum_of_squares(&x)), bits(of_runs));
        }
    }
}
