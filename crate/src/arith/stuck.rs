//! A float32 whose products are fast where state is stuck: at numbers so small that a decay rounds them back to themselves.
//!
//! When gradients stop, v decays by ρ until 0.9 · 4·2⁻¹⁴⁹ rounds back to 4·2⁻¹⁴⁹, and stays there. Stuck units lie between live
//! ones, so the choice is made lane by lane, in integer operations: no multiplication sees a subnormal.

use super::decay::Decay;
use super::divisor::Reciprocal;
use super::lanes::Lanes;
use crate::platform::sqrt;
use core::ops::{Add, Div, Mul, Sub};

/// A float32 that may be stuck.
#[derive(Clone, Copy, Debug)]
pub struct MaybeStuck(f32);

const SIGN: u32 = 1 << 31;

/// Ones where the magnitude's bits are below these, and zeros elsewhere. Compared as signed integers: SSE has no others.
#[inline]
fn mask_below(x: f32, bits: u32) -> u32 {
    if ((x.to_bits() & !SIGN).cast_signed()) < bits.cast_signed() { u32::MAX } else { 0 }
}

impl Mul<Decay> for MaybeStuck {
    type Output = Self;

    /// Stuck numbers are replaced by +0 for the multiplication and put back: the product is +0, which has no bit set.
    #[inline]
    fn mul(self, decay: Decay) -> Self {
        let bits = self.0.to_bits();
        let stuck = bits & mask_below(self.0, decay.stuck_below());
        let product = f32::from_bits(bits ^ stuck) * decay.factor;
        Self(f32::from_bits(product.to_bits() | stuck))
    }
}

macro_rules! as_float32 {
    ($($operation:ident<$other:ty>::$method:ident $get:expr;)+) => {
        $(impl $operation<$other> for MaybeStuck {
            type Output = Self;

            #[inline]
            fn $method(self, other: $other) -> Self {
                let get: fn($other) -> _ = $get;
                Self(self.0.$method(get(other)))
            }
        })+
    };
}

as_float32! {
    Add<Self>::add |x| x.0;
    Sub<Self>::sub |x| x.0;
    Mul<Self>::mul |x| x.0;
    Div<Self>::div |x| x.0;
    Add<f32>::add |x| x;
    Mul<f32>::mul |x| x;
    Div<f32>::div |x| x;
    Div<Reciprocal>::div |x| x;
}

impl Lanes for MaybeStuck {
    const LANES: usize = 1;

    type Hidden = ();

    #[inline]
    fn hide() {}

    #[expect(clippy::inline_always, reason = "as that of f32")]
    #[inline(always)]
    fn read(x: &[f32], index: usize, (): ()) -> Self {
        Self(x[index])
    }

    #[expect(clippy::inline_always, reason = "as `read`")]
    #[inline(always)]
    fn write(self, x: &mut [f32], index: usize) {
        x[index] = self.0;
    }

    #[inline]
    fn map_lanes(self, operation: impl Fn(f32) -> f32) -> Self {
        Self(operation(self.0))
    }

    #[inline]
    fn zip_lanes(self, other: Self, operation: impl Fn(f32, f32) -> f32) -> Self {
        Self(operation(self.0, other.0))
    }

    #[inline]
    fn sqrt(self) -> Self {
        Self(sqrt(self.0))
    }

    /// 0 for subnormals.
    #[inline]
    fn square(self) -> Self {
        let normal = f32::from_bits(self.0.to_bits() & !mask_below(self.0, f32::MIN_POSITIVE.to_bits()));
        Self(normal * normal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_float, bits, graded_float};
    use proptest::prelude::*;

    fn any_factor() -> impl Strategy<Value = f32> {
        prop_oneof![
            2 => prop::sample::select(vec![0.0, -0.0, 1.0, 0.9, 0.99, 0.999_999_94, 1.000_000_1, 0.5, 0.75, 1.5, 2.0]),
            2 => 0.0f32..1.01,
            1 => any_float(),
        ]
    }

    fn any_number() -> impl Strategy<Value = f32> {
        let subnormal = (any::<bool>(), 0u32..24, any::<u32>())
            .prop_map(|(negative, bits, n)| f32::from_bits((n % (1 << bits)) | (u32::from(negative) << 31)));
        prop_oneof![any_float(), graded_float(), subnormal]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50_000))]
        /// Each product has the bits of a float32's: zeros of both signs, subnormals, infinities and `NaN` included.
        #[test]
        fn products_are_those_of_float32(x in any_number(), factor in any_factor()) {
            prop_assert_eq!(bits((MaybeStuck(x) * Decay::new(factor)).0), bits(x * factor));
            prop_assert_eq!(bits(MaybeStuck(x).square().0), bits(x * x));
        }

        /// At the bound and next to it too.
        #[test]
        fn what_is_stuck_stays(factor in any_factor(), n: u32, negative: bool) {
            let decay = Decay::new(factor);
            let bound = decay.stuck_below();
            prop_assert!(bound <= f32::MIN_POSITIVE.to_bits());
            for n in [0, bound.saturating_sub(1), bound, bound + 1, n % bound.max(1)] {
                let x = f32::from_bits(n | u32::from(negative) << 31);
                prop_assert_eq!(bits((MaybeStuck(x) * decay).0), bits(x * factor));
                if n < bound {
                    prop_assert_eq!((x * factor).to_bits(), x.to_bits());
                }
            }
        }
    }

    #[test]
    fn bounds_are_tight() {
        for (factor, expected) in
            [(0.9, 5), (0.99, 51), (0.0, 1), (0.5, 1), (0.75, 2), (1.0, 1 << 23), (-0.0, 0), (2.0, 1)]
        {
            assert_eq!(Decay::new(factor).stuck_below(), expected, "{factor}");
        }
        assert_eq!(Decay::new(f32::NAN).stuck_below(), 0);
    }
}
