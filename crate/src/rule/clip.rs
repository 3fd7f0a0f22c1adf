//! Gradient clipping by value, by norm and by global norm.
//!
//! Keras 3.15.1, `optimizers/base_optimizer.py`: `_clip_gradients`, `_clip_by_norm`, `global_norm`, `clip_by_global_norm`.

use crate::arith::lanes::Lanes;
use crate::arith::pairwise_sum::{pairwise_sum, run_sum};
use crate::config::Hyperparameters;
use crate::platform::sqrt;

/// Which way of clipping is on; a threshold that is not above 0 turns its way off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClipMode {
    /// No clipping.
    Off,
    /// Each variable's norm is at most this.
    Norm(f64),
    /// The joint norm is at most this.
    GlobalNorm(f64),
    /// Each element is within plus and minus this.
    Value(f64),
}

impl ClipMode {
    /// The first one that is on, in Keras' order.
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
    /// [`scaled_to_norm`]
    Norm {
        /// The largest norm allowed.
        threshold: f32,
        /// [`norm_divisor`]
        divisor: f32,
    },
    /// `g·factor`
    Factor(f32),
    /// [`clamped`] to plus and minus this.
    Value(f32),
}

impl Clip {
    /// Clipping by a variable's own norm, from its sum of squares.
    pub fn by_norm(threshold: f64, sum_of_squares: f32) -> Self {
        let threshold = threshold as f32;
        Self::Norm { threshold, divisor: norm_divisor(threshold, sum_of_squares) }
    }

    /// The factor of clipping by the joint norm: `threshold · min(1/norm, 1/threshold)`, and `NaN` if the norm is not finite.
    #[expect(clippy::eq_op, reason = "norm - norm is 0, or NaN for a norm that is not finite")]
    pub fn global_factor(threshold: f64, norm: f32) -> f32 {
        let (inverse_norm, inverse_threshold) = (1.0 / norm, (1.0 / threshold) as f32);
        let smaller =
            if inverse_norm < inverse_threshold || inverse_norm.is_nan() { inverse_norm } else { inverse_threshold };
        threshold as f32 * smaller + (norm - norm)
    }
}

/// The greater of the norm with this square and the threshold.
pub fn norm_divisor(threshold: f32, sum_of_squares: f32) -> f32 {
    // The comparison also lets 0 and NaN pass.
    let norm = if sum_of_squares > 0.0 { sqrt(sum_of_squares) } else { sum_of_squares };
    if norm > threshold || norm.is_nan() { norm } else { threshold }
}

/// The joint L2 norm (Keras: `global_norm`), from the sums of squares of all variables in the order of the gradients.
#[inline(never)]
pub fn joint_norm(sums_of_squares: &[f32]) -> f32 {
    let mut run = |from, len| run_sum(&sums_of_squares[from..from + len], |sum| sum);
    sqrt(pairwise_sum(0, sums_of_squares.len(), &mut run))
}

/// `(g·threshold) / divisor`. Not the identity below the threshold: the product rounds, as in Keras.
#[inline]
pub fn scaled_to_norm<L: Lanes>(g: L, threshold: f32, divisor: f32) -> L {
    (g * threshold) / divisor
}

/// `g` cut to `[-limit, limit]`; `NaN` stays.
#[inline]
pub fn clamped<L: Lanes>(g: L, limit: f32) -> L {
    g.map_lanes(|g| {
        if g < -limit {
            -limit
        } else if g > limit {
            limit
        } else {
            g
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::pairwise_sum::sum_of_squares;
    use proptest::prelude::*;

    #[test]
    fn thresholds_that_are_not_positive_are_off() {
        for threshold in [None, Some(0.0), Some(-1.0)] {
            let hyperparameters = Hyperparameters { clipnorm: threshold, ..Hyperparameters::default() };
            assert_eq!(ClipMode::new(&hyperparameters), ClipMode::Off);
        }
    }

    #[test]
    fn a_norm_that_is_not_finite_makes_every_gradient_nan_under_the_global_norm() {
        for sum in [f32::INFINITY, f32::NAN] {
            assert!(Clip::global_factor(1.0, joint_norm(&[1.0, sum])).is_nan());
        }
    }

    proptest! {
        #[test]
        fn clipped_norms_stay_below_the_threshold(x in prop::collection::vec(-10.0f32..10.0, 1..300)) {
            let sum = sum_of_squares(&x);
            let Clip::Norm { threshold, divisor } = Clip::by_norm(0.5, sum) else { unreachable!() };
            let factor = Clip::global_factor(0.5, joint_norm(&[sum]));
            let by_norm: Vec<f32> = x.iter().map(|&g| scaled_to_norm(g, threshold, divisor)).collect();
            let by_global_norm: Vec<f32> = x.iter().map(|g| g * factor).collect();
            for clipped in [by_norm, by_global_norm] {
                prop_assert!(f64::from(sum_of_squares(&clipped)).sqrt() <= 0.5 * (1.0 + 1e-5));
            }
            prop_assert!(x.iter().all(|&g| clamped(g, 0.5).abs() <= 0.5));
        }
    }
}
