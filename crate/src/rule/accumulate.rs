//! Gradients on their way to the update: divided by the loss scale, then summed over calls and averaged.

use crate::arith::group::{Group, apply_with, map_into};
use crate::arith::lanes::Number;
use crate::arith::subnormal::{Exponent, shrinks};

/// A number to divide by.
#[derive(Clone, Copy, Debug)]
struct Divisor {
    number: f32,
    /// `1/number`, if that is exact, as for powers of two. Multiplying by it has the bits of dividing, and leaves the
    /// divider, which limits the speed of a step, to the update: under a loss scale of 8, 0.67 instead of 0.70 ns per
    /// parameter.
    reciprocal: Option<f32>,
}

impl Divisor {
    const ONE: Self = Self { number: 1.0, reciprocal: Some(1.0) };

    fn new(number: f32) -> Self {
        const FRACTION: u32 = 0x007f_ffff;
        let reciprocal = 1.0 / number;
        let is_exact = number.to_bits() & FRACTION == 0 && number.is_normal() && reciprocal.is_normal();
        Self { number, reciprocal: is_exact.then_some(reciprocal) }
    }
}

/// What happens to a gradient before it is clipped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Preparation {
    /// Loss scale to divide by.
    loss_scale: Option<Divisor>,
    /// Number of accumulated calls to average over.
    steps: Option<Divisor>,
}

impl Preparation {
    /// Division by `loss_scale`, then averaging over `steps` calls.
    #[inline]
    pub fn new(loss_scale: Option<f32>, steps: Option<f32>) -> Self {
        Self { loss_scale: loss_scale.map(Divisor::new), steps: steps.map(Divisor::new) }
    }

    /// Whether gradients are summed over several calls.
    #[inline]
    pub fn accumulates(&self) -> bool {
        self.steps.is_some()
    }

    /// Whether the update sees the gradient as it is.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.loss_scale.is_none() && self.steps.is_none()
    }

    /// What gradients are multiplied by, if that is all.
    #[inline]
    pub fn factor(&self) -> Option<f32> {
        self.loss_scale.filter(|_| self.steps.is_none()).and_then(|scale| scale.reciprocal)
    }

    /// The block of gradients the update sees: `g / loss_scale`, then `(g + accumulator) / steps`. Uses `scratch` only
    /// if there is something to do; the gradient itself is never written to. `Careful` for gradients that may be subnormal.
    #[inline]
    pub fn block<'a, N: Number>(
        &self,
        gradient: &'a [Group],
        accumulator: &[Group],
        scratch: &'a mut [Group],
    ) -> &'a [Group] {
        if self.is_idle() { gradient } else { self.busy_block::<N>(gradient, accumulator, scratch) }
    }

    #[inline(never)]
    fn busy_block<'a, N: Number>(
        &self,
        gradient: &[Group],
        accumulator: &[Group],
        scratch: &'a mut [Group],
    ) -> &'a [Group] {
        let scale = self.loss_scale.unwrap_or(Divisor::ONE);
        let out = match scale.reciprocal {
            Some(reciprocal) => map_into(scratch, gradient, |g: N| g * reciprocal),
            None => map_into(scratch, gradient, |g: N| g / scale.number),
        };
        if let Some(steps) = self.steps {
            match steps.reciprocal {
                Some(reciprocal) => apply_with(out, accumulator, |g: N, sum| (g + sum) * reciprocal),
                None => apply_with(out, accumulator, |g: N, sum| (g + sum) / steps.number),
            }
        }
        out
    }

    /// How much smaller gradients become, as an exponent of 2.
    pub fn shrinks(&self) -> Exponent {
        let by = |divisor: Option<Divisor>| divisor.map_or(0, |divisor| shrinks(1.0 / divisor.number));
        by(self.loss_scale) + by(self.steps)
    }

    /// `accumulator ← g / loss_scale + accumulator`, in the calls that do not update; `Careful` for gradients that may be
    /// subnormal.
    pub fn accumulate<N: Number>(&self, gradient: &[Group], accumulator: &mut [Group]) {
        let scale = self.loss_scale.unwrap_or(Divisor::ONE);
        match scale.reciprocal {
            Some(reciprocal) => apply_with(accumulator, gradient, |sum: N, g| sum + g * reciprocal),
            None => apply_with(accumulator, gradient, |sum: N, g| sum + g / scale.number),
        }
    }
}

/// `maximum(g, accumulator)` as NumPy has it: `NaN` in either wins, and of two zeros the accumulator. What Keras
/// accumulates for a variable that is overwritten with its gradient; the accumulator starts at 0, so negative gradients
/// become 0 (a quirk of Keras).
#[inline]
pub fn maximum(g: f32, accumulator: f32) -> f32 {
    if g > accumulator || g.is_nan() { g } else { accumulator }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::group::{flat, grouped};
    use crate::arith::lanes::Careful;
    use crate::testing::bits;
    use proptest::prelude::*;

    #[test]
    fn the_gradient_is_passed_on_untouched_when_there_is_nothing_to_do() {
        let gradient = grouped(&[1.0, 2.0]);
        let block = Preparation::default().block::<f32>(&gradient, &[], &mut []).as_ptr();
        assert_eq!(block, gradient.as_ptr());
    }

    #[test]
    fn maximum_propagates_nan_from_either_side() {
        assert!(maximum(f32::NAN, 1.0).is_nan());
        assert!(maximum(1.0, f32::NAN).is_nan());
        assert_eq!(maximum(-1.0, 0.0), 0.0);
        assert_eq!(maximum(2.0, 1.0), 2.0);
        assert_eq!(maximum(-0.0, 0.0).to_bits(), 0.0_f32.to_bits());
    }

    #[test]
    fn powers_of_two_have_exact_reciprocals_unless_they_are_at_the_end_of_the_range() {
        assert_eq!(Divisor::new(8.0).reciprocal, Some(0.125));
        assert_eq!(Divisor::new(-0.25).reciprocal, Some(-4.0));
        // 2¹²⁷ has a subnormal reciprocal, and the smallest subnormal none.
        for x in [0.0, -0.0, 3.0, 3.7, 1.7e38, 1e-45, f32::INFINITY, f32::NAN, f32::from_bits(0x7f00_0000)] {
            assert_eq!(Divisor::new(x).reciprocal, None);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn exact_reciprocals_have_the_bits_of_divisions(g: u32, exponent in 0u32..256, fraction in 0u32..2, sign: bool) {
            let (g, scale) = (f32::from_bits(g), f32::from_bits(u32::from(sign) << 31 | exponent << 23 | fraction));
            let preparation = Preparation::new(Some(scale), None);
            let [mut fast, mut careful] = [[Group::ZERO]; 2];
            let gradient = &grouped(&[g]);
            let fast = flat(preparation.block::<f32>(gradient, &[], &mut fast));
            prop_assert_eq!(bits(fast[0]), bits(g / scale));
            let careful = flat(preparation.block::<Careful>(gradient, &[], &mut careful));
            prop_assert_eq!(bits(careful[0]), bits(g / scale));
        }
    }
}
