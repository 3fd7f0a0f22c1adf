//! Gradient clipping by value, by norm and by global norm, with NumPy's pairwise summation under the norms.
//!
//! Keras 3.15.1, `base_optimizer.py`: clipping helpers.

use crate::config::Hyperparameters;
use crate::lanes::{Group, flat, flat_mut, map_into};
use crate::machine::sqrt;
use crate::subnormal::{Careful, Exponent, SMALLEST, any_below, by_fours, four, put, shrinks};

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

/// The sum of squares of numbers that are there, in this order.
pub fn sum_of_squares(x: &[f32]) -> f32 {
    if x.len() <= RUN {
        return run_sum(x, square);
    }
    let half = x.len() / 2;
    let (left, right) = x.split_at(half - half % 8);
    sum_of_squares(left) + sum_of_squares(right)
}

/// NumPy's sum of a run of at most [`RUN`] terms: eight running sums, added up as a tree, then what is left over.
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
        // Or else the compiler arranges the lanes of the loop for this tree, with three shuffles in each turn: a step with a
        // global norm takes 1.05 to 1.08 times as long.
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

/// The sum of squares of the first `len` of a run of gradients that may be subnormal.
pub fn careful_sum_of_squares(x: &[Group], len: usize) -> f32 {
    if !any_below(x, SMALLEST / 2) {
        return run_sum(&flat(x)[..len], square);
    }
    let (careful, x, mut squares) = (Careful::new(), flat(x), [0.0; RUN]);
    by_fours(x.len(), |i| put(&mut squares, i, careful.square(four(x, i))));
    run_sum(&squares[..len], |square| square)
}

/// Which of the three ways of clipping is on; a threshold that is not above 0 turns its way off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// No clipping.
    Off,
    /// Each variable's norm is at most this.
    Norm(f64),
    /// The joint norm is at most this.
    GlobalNorm(f64),
    /// Each element is within plus and minus this.
    Value(f64),
}

impl Rule {
    /// The rule in force, in Keras' order of precedence.
    pub fn new(hyperparameters: &Hyperparameters) -> Self {
        let on = |threshold: Option<f64>| threshold.filter(|&threshold| threshold > 0.0);
        if let Some(threshold) = on(hyperparameters.clipnorm) {
            Self::Norm(threshold)
        } else if let Some(threshold) = on(hyperparameters.global_clipnorm) {
            Self::GlobalNorm(threshold)
        } else if let Some(threshold) = on(hyperparameters.clipvalue) {
            Self::Value(threshold)
        } else {
            Self::Off
        }
    }

    /// Whether sums of squares must be known before the first gradient can be clipped.
    pub fn needs_norms(self) -> bool {
        matches!(self, Self::Norm(_) | Self::GlobalNorm(_))
    }
}

/// What clipping does to the elements of one variable's gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Nothing.
    Off,
    /// `g ← (g·threshold) / divisor`. Not the identity below the threshold: the product rounds, as in Keras.
    Norm {
        /// The largest norm allowed.
        threshold: f32,
        /// The greater of norm and threshold.
        divisor: f32,
    },
    /// `g ← g·factor`
    Factor(f32),
    /// `g ← min(max(g, -limit), limit)`
    Value(f32),
}

impl Clip {
    /// Clipping by a variable's own norm, from its sum of squares.
    pub fn by_norm(threshold: f64, sum_of_squares: f32) -> Self {
        let threshold = threshold as f32;
        // The comparison also lets 0 and NaN pass.
        let norm = if sum_of_squares > 0.0 { sqrt(sum_of_squares) } else { sum_of_squares };
        let divisor = if norm > threshold || norm.is_nan() { norm } else { threshold };
        Self::Norm { threshold, divisor }
    }

    /// Clipping by the joint norm, from the per-variable sums of squares in the order of the gradients.
    #[expect(clippy::eq_op, reason = "norm - norm is 0, or NaN for a norm that is not finite")]
    pub fn by_global_norm(threshold: f64, sums_of_squares: &[f32]) -> Self {
        let identity = |x| x;
        let sum = pairwise_sum(0, sums_of_squares.len(), &mut |from, len| {
            run_sum(&sums_of_squares[from..from + len], identity)
        });
        let norm = sqrt(sum);
        let (inverse_norm, inverse_threshold) = (1.0 / norm, (1.0 / threshold) as f32);
        let smaller =
            if inverse_norm < inverse_threshold || inverse_norm.is_nan() { inverse_norm } else { inverse_threshold };
        Self::Factor(threshold as f32 * smaller + (norm - norm))
    }

    /// The block of clipped gradients; written to `scratch` only if there is something to do.
    #[expect(clippy::inline_always, reason = "a call per block: with all options on, a step takes 1.05 times as long")]
    #[inline(always)]
    pub fn block<'a>(self, gradient: &'a [Group], scratch: &'a mut [Group]) -> &'a [Group] {
        match self {
            Self::Off => gradient,
            Self::Norm { threshold, divisor } => map_into(scratch, gradient, |g| (g * threshold) / divisor),
            Self::Factor(factor) => map_into(scratch, gradient, |g| g * factor),
            Self::Value(limit) => map_into(scratch, gradient, |g| clamp(g, limit)),
        }
    }

    /// [`block`](Self::block), for gradients that may be subnormal.
    pub fn careful_block<'a>(self, gradient: &'a [Group], scratch: &'a mut [Group]) -> &'a [Group] {
        if !any_below(gradient, SMALLEST - self.shrinks()) {
            return self.block(gradient, scratch);
        }
        let scratch = &mut scratch[..gradient.len()];
        let (careful, gradient, out) = (Careful::new(), flat(gradient), flat_mut(scratch));
        by_fours(gradient.len(), |i| {
            let g = four(gradient, i);
            let clipped = match self {
                Self::Off => g,
                Self::Norm { threshold, divisor } => careful.quotient(careful.times(threshold, g), divisor),
                Self::Factor(factor) => careful.times(factor, g),
                Self::Value(limit) => g.map(|g| clamp(g, limit)),
            };
            put(out, i, clipped);
        });
        scratch
    }

    /// How much smaller gradients become, as an exponent of 2.
    pub fn shrinks(self) -> Exponent {
        match self {
            Self::Off | Self::Value(_) => 0,
            Self::Norm { threshold, divisor } => shrinks(threshold) + shrinks(1.0 / divisor),
            Self::Factor(factor) => shrinks(factor),
        }
    }
}

/// `g` cut to `[-limit, limit]`; `NaN` stays.
#[inline]
fn clamp(g: f32, limit: f32) -> f32 {
    if g < -limit {
        -limit
    } else if g > limit {
        limit
    } else {
        g
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::grouped;
    use proptest::prelude::*;

    fn sum_of_squares(x: &[f32]) -> f32 {
        pairwise_sum(0, x.len(), &mut |from, len| run_sum(&x[from..from + len], square))
    }

    #[test]
    fn thresholds_that_are_not_positive_are_off() {
        for threshold in [None, Some(0.0), Some(-1.0)] {
            let hyperparameters = Hyperparameters { clipnorm: threshold, ..Hyperparameters::default() };
            assert_eq!(Rule::new(&hyperparameters), Rule::Off);
        }
    }

    #[test]
    fn a_norm_that_is_not_finite_makes_every_gradient_nan_under_the_global_norm() {
        for sum in [f32::INFINITY, f32::NAN] {
            let Clip::Factor(factor) = Clip::by_global_norm(1.0, &[1.0, sum]) else { unreachable!() };
            assert!(factor.is_nan());
        }
    }

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

        #[test]
        fn clipped_norms_stay_below_the_threshold(x in prop::collection::vec(-10.0f32..10.0, 1..300)) {
            let sum = sum_of_squares(&x);
            let x = grouped(&x);
            let mut scratch = vec![Group::ZERO; x.len()];
            for clip in [Clip::by_norm(0.5, sum), Clip::by_global_norm(0.5, &[sum])] {
                let clipped = clip.block(&x, &mut scratch);
                prop_assert!(f64::from(sum_of_squares(flat(clipped))).sqrt() <= 0.5 * (1.0 + 1e-5));
            }
            prop_assert!(flat(Clip::Value(0.5).block(&x, &mut scratch)).iter().all(|g| g.abs() <= 0.5));
        }
    }
}
