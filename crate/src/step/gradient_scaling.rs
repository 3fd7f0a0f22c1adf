//! What happens to gradients before they are clipped, block by block: unscaled, accumulated, averaged, negated to maximize.

use crate::arith::divisor::Divisor;
use crate::arith::group::{Group, map_into, update_each_with};
use crate::arith::lanes::Lanes;
use crate::rule::accumulate::{accumulated, averaged_gradient, unscaled};

/// The divisors of one call.
#[derive(Clone, Copy, Debug)]
pub struct GradientScaling {
    /// The loss scale.
    pub loss_scale: Option<Divisor>,
    /// The number of accumulated calls to average over.
    pub steps: Option<Divisor>,
}

impl GradientScaling {
    /// Nothing happens.
    pub const IDENTITY: Self = Self { loss_scale: None, steps: None };

    /// Division by `loss_scale`, then averaging over `steps` calls, if that is more than one. To `maximize`, the last divisor is
    /// negative: a quotient changes its sign and no other bit, and accumulators hold sums of what was given.
    #[inline(never)]
    pub fn new(loss_scale: Option<f32>, steps: u32, maximize: bool) -> Self {
        let steps = (steps > 1).then_some(steps as f32);
        let negated = |divisor: Option<f32>| Some(-divisor.unwrap_or(1.0));
        let (loss_scale, steps) = match (maximize, steps) {
            (false, _) => (loss_scale, steps),
            (true, None) => (negated(loss_scale), None),
            (true, Some(_)) => (loss_scale, negated(steps)),
        };
        Self { loss_scale: loss_scale.map(Divisor::new), steps: steps.map(Divisor::new) }
    }

    /// Whether gradients are summed over several calls.
    #[inline]
    pub fn accumulates(&self) -> bool {
        self.steps.is_some()
    }

    /// Whether the update sees the gradient as it is.
    #[inline]
    pub fn is_identity(&self) -> bool {
        self.loss_scale.is_none() && self.steps.is_none()
    }

    /// The factor that gradients are multiplied by, if that is all.
    #[inline]
    pub fn factor(&self) -> Option<f32> {
        self.loss_scale.filter(|_| self.steps.is_none()).and_then(Divisor::exact_factor)
    }

    /// The block of gradients that the update sees. Writes to `scratch` only if there is something to do.
    #[inline]
    pub fn scaled<'a, L: Lanes>(
        &self,
        gradient: &'a [Group],
        accumulator: &[Group],
        scratch: &'a mut [Group],
    ) -> &'a [Group] {
        if self.is_identity() { gradient } else { self.scaled_block::<L>(gradient, accumulator, scratch) }
    }

    #[inline(never)]
    fn scaled_block<'a, L: Lanes>(
        &self,
        gradient: &[Group],
        accumulator: &[Group],
        scratch: &'a mut [Group],
    ) -> &'a [Group] {
        let out = match self.loss_scale.unwrap_or(Divisor::ONE) {
            Divisor::Exact(reciprocal) => map_into(scratch, gradient, |g: L| unscaled(g, reciprocal)),
            Divisor::Number(scale) => map_into(scratch, gradient, |g: L| unscaled(g, scale)),
        };
        match self.steps {
            Some(Divisor::Exact(reciprocal)) => {
                update_each_with(out, accumulator, |g: L, sum| averaged_gradient(g, sum, reciprocal));
            }
            Some(Divisor::Number(steps)) => {
                update_each_with(out, accumulator, |g: L, sum| averaged_gradient(g, sum, steps));
            }
            None => {}
        }
        out
    }

    /// Adds a block of gradients to its accumulator, in the calls that do not update.
    #[inline(never)]
    pub fn accumulate<L: Lanes>(&self, gradient: &[Group], accumulator: &mut [Group]) {
        match self.loss_scale.unwrap_or(Divisor::ONE) {
            Divisor::Exact(reciprocal) => {
                update_each_with(accumulator, gradient, |sum: L, g| accumulated(unscaled(g, reciprocal), sum));
            }
            Divisor::Number(scale) => {
                update_each_with(accumulator, gradient, |sum: L, g| accumulated(unscaled(g, scale), sum));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::f32_via_f64::F32ViaF64;
    use crate::arith::group::{flat, grouped};
    use crate::testing::bits;
    use proptest::prelude::*;

    #[test]
    fn the_gradient_is_passed_on_untouched_when_there_is_nothing_to_do() {
        let gradient = grouped(&[1.0, 2.0]);
        let block = GradientScaling::IDENTITY.scaled::<f32>(&gradient, &[], &mut []).as_ptr();
        assert_eq!(block, gradient.as_ptr());
    }

    #[test]
    fn maximizing_negates_the_mean_once_and_no_sum() {
        let (gradient, sums) = (grouped(&[3.0, -1.0]), grouped(&[1.0, 0.5]));
        for (loss_scale, steps, expected) in [
            (None, 1, [-3.0, 1.0]),
            (Some(4.0), 1, [-0.75, 0.25]),
            (None, 2, [-2.0, 0.25]),
            (Some(4.0), 2, [-0.875, -0.125]),
        ] {
            let scaling = GradientScaling::new(loss_scale, steps, true);
            let scratch = &mut [Group::ZERO; 2];
            assert_eq!(flat(scaling.scaled::<f32>(&gradient, &sums, scratch))[..2], expected);
            let mut accumulator = sums.clone();
            if steps > 1 {
                scaling.accumulate::<f32>(&gradient, &mut accumulator);
                assert!(flat(&accumulator)[0] > 1.0);
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn exact_reciprocals_have_the_bits_of_divisions(g: u32, exponent in 0u32..256, fraction in 0u32..2, sign: bool) {
            let (g, scale) = (f32::from_bits(g), f32::from_bits(u32::from(sign) << 31 | exponent << 23 | fraction));
            let scaling = GradientScaling::new(Some(scale), 1, false);
            let [mut plain, mut via_f64] = [[Group::ZERO]; 2];
            let gradient = &grouped(&[g]);
            let plain = flat(scaling.scaled::<f32>(gradient, &[], &mut plain));
            prop_assert_eq!(bits(plain[0]), bits(g / scale));
            let via_f64 = flat(scaling.scaled::<F32ViaF64>(gradient, &[], &mut via_f64));
            prop_assert_eq!(bits(via_f64[0]), bits(g / scale));
        }
    }
}
