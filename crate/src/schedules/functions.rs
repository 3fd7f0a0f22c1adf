//! The functions that the formulas need beyond arithmetic: evaluated in float64, then rounded once to float32.

use super::cosine::cos;

/// `xʸ`
pub fn pow(x: f32, y: f32) -> f32 {
    libm::pow(f64::from(x), f64::from(y)) as f32
}

/// `ln x`
pub fn log(x: f32) -> f32 {
    libm::log(f64::from(x)) as f32
}

/// [`pow`] for a whole exponent, four times faster for a small one: by multiplications in float64, unless their error leaves open
/// to which float32 the power is rounded.
#[inline(never)]
pub fn pow_whole(x: f32, n: f32) -> f32 {
    /// Twice the relative error of 64 multiplications and that of `libm::pow`.
    const ERROR: f64 = 128.0 * f64::EPSILON;
    if n <= 64.0 {
        let (mut power, mut left) = (1.0, n);
        while left > 0.0 {
            power *= f64::from(x);
            left -= 1.0;
        }
        let rounded = (power * (1.0 - ERROR)) as f32;
        if left == 0.0 && rounded == (power * (1.0 + ERROR)) as f32 {
            return rounded;
        }
    }
    pow(x, n)
}

/// `⌊ln x / ln base⌋`, by multiplications unless x is so close to a power of the base that the rounding of the logarithms decides.
#[inline(never)]
pub fn log_whole(x: f32, base: f32) -> f32 {
    /// Rounded logarithms and their quotient are off by at most 2e-7 of ln x, which is below 89.
    const ERROR: f64 = 1e-4;
    let (exact, base_exact) = (f64::from(x), f64::from(base));
    let (mut power, mut n) = (1.0, 0.0);
    // At most 753 turns for a finite x.
    while base > 1.125 && power * base_exact < exact {
        power *= base_exact;
        n += 1.0;
    }
    if exact > power * (1.0 + ERROR) && exact < power * base_exact * (1.0 - ERROR) {
        return n;
    }
    libm::floorf(log(x) / log(base))
}

/// `1 + cos(π·progress)`, from 2 down to 0 as progress goes from 0 to 1.
pub fn one_plus_cosine(progress: f32) -> f32 {
    1.0 + cos(core::f32::consts::PI * progress)
}

/// `step / decay_steps`, rounded down if `staircase`.
pub fn periods(step: f32, decay_steps: f64, staircase: bool) -> f32 {
    let periods = step / decay_steps as f32;
    if staircase { libm::floorf(periods) } else { periods }
}

/// `min(x, y)` as NumPy has it: `NaN` in either wins.
pub fn minimum(x: f32, y: f32) -> f32 {
    if x <= y || x.is_nan() { x } else { y }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_float, bits};
    use proptest::prelude::*;

    fn any_base() -> impl Strategy<Value = f32> {
        prop_oneof![
            prop::sample::select(vec![1.0f32, 2.0, 1.5, 0.5, 0.0, -0.0, -2.0, 0.9, 1.000_01, 10.0, 1e30, 1e-30]),
            0.5f32..4.0,
            any_float(),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100_000))]
        #[test]
        fn whole_powers_have_the_same_bits(x in any_base(), n in prop_oneof![0u16..70, any::<u16>()]) {
            prop_assert_eq!(bits(pow_whole(x, n.into())), bits(pow(x, n.into())));
        }

        /// Also next to powers of the base.
        #[test]
        fn whole_logarithms_have_the_same_bits(base in any_base(), n in 0u8..80, near in -3i32..4, apart in -1e-3f32..1e-3, x in any_float()) {
            let power = pow(base, n.into());
            let neighbour = f32::from_bits(power.to_bits().wrapping_add_signed(near));
            for x in [neighbour, power * (1.0 + apart), power * (1.0 + apart / 16.0), x] {
                prop_assert_eq!(bits(log_whole(x, base)), bits(libm::floorf(log(x) / log(base))));
            }
        }
    }
}
