//! The cosine of a float32, in float64: fdlibm's reduction to one quarter turn, and its two polynomials.
//!
//! `libm::cos` reduces arguments of any size, which takes 5 kB of the module; a schedule asks for cosines of the half turn.
//! The bits are those of `libm::cos` rounded to float32, for every float32 below 2²⁰ quarter turns: all were compared.
//!
//! fdlibm (`e_rem_pio2.c`, `k_cos.c`, `k_sin.c`): Copyright (C) 1993 by Sun Microsystems, Inc. All rights reserved.
//! Developed at `SunPro`, a Sun Microsystems, Inc. business. Permission to use, copy, modify, and distribute this software is
//! freely granted, provided that this notice is preserved.

/// 2²⁰ quarter turns. Above it `n · QUARTER` would round, and neighbouring float32s are 1/8 apart.
const LARGE: f64 = 1_647_099.0;

/// The first 33 bits of π/2, and the rest.
const QUARTER: f64 = f64::from_bits(0x3ff9_21fb_5440_0000);
const QUARTER_REST: f64 = f64::from_bits(0x3dd0_b461_1a62_6331);
/// Added and taken away again, rounds to a whole number.
const ROUND: f64 = 1.5 / f64::EPSILON;

/// cos x, rounded once to float32; `NaN` from 2²⁰ quarter turns on.
pub fn cos(x: f32) -> f32 {
    let x = f64::from(x);
    // Not `>=`: NaN has no cosine either.
    if !(-LARGE < x && x < LARGE) {
        return f32::NAN;
    }
    let n = (x * core::f64::consts::FRAC_2_PI + ROUND) - ROUND;
    // x - n·π/2 = y + rest, to 85 bits: no float32 is so near to a multiple of π/2 that it needs more.
    let (r, w) = (x - n * QUARTER, n * QUARTER_REST);
    let y = r - w;
    let rest = (r - y) - w;
    let n = n as i32;
    let magnitude = if n & 1 == 0 { cos_of_part(y, rest) } else { sin_of_part(y, rest) };
    // cos, -sin, -cos, sin
    (if (n + 1) & 2 == 0 { magnitude } else { -magnitude }) as f32
}

/// cos(x + rest) for |x| ≤ π/4.
fn cos_of_part(x: f64, rest: f64) -> f64 {
    const C: [f64; 6] = [
        4.166_666_666_666_66e-2,
        -1.388_888_888_887_411e-3,
        2.480_158_728_947_673e-5,
        -2.755_731_435_139_066_3e-7,
        2.087_572_321_298_175e-9,
        -1.135_964_755_778_819_5e-11,
    ];
    let z = x * x;
    let w = z * z;
    let r = z * (C[0] + z * (C[1] + z * C[2])) + w * w * (C[3] + z * (C[4] + z * C[5]));
    let half = 0.5 * z;
    let w = 1.0 - half;
    w + (((1.0 - w) - half) + (z * r - x * rest))
}

/// sin(x + rest) for |x| ≤ π/4.
fn sin_of_part(x: f64, rest: f64) -> f64 {
    const S: [f64; 6] = [
        -1.666_666_666_666_663_2e-1,
        8.333_333_333_322_49e-3,
        -1.984_126_982_985_795e-4,
        2.755_731_370_707_006_8e-6,
        -2.505_076_025_340_686_3e-8,
        1.589_690_995_211_55e-10,
    ];
    let z = x * x;
    let w = z * z;
    let r = S[1] + z * (S[2] + z * S[3]) + z * w * (S[4] + z * S[5]);
    let v = z * x;
    x - ((z * (0.5 * rest - v * r) - rest) - v * S[0])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compares float32s from 0 to `LARGE`, of both signs, `stride` apart.
    fn compare(stride: usize) {
        for bits in (0..(LARGE as f32).to_bits()).step_by(stride) {
            for x in [f32::from_bits(bits), -f32::from_bits(bits)] {
                assert_eq!(cos(x).to_bits(), (libm::cos(f64::from(x)) as f32).to_bits(), "cos({x:e})");
            }
        }
    }

    /// A prime, so that no bit of the significand stays the same.
    #[test]
    fn has_the_bits_of_libm() {
        compare(1009);
    }

    /// A minute in a release build: `cargo test --release -- --ignored bits_of_libm_all`.
    #[test]
    #[ignore = "compares 2.5 thousand million numbers"]
    fn has_the_bits_of_libm_all() {
        compare(1);
    }

    #[test]
    fn is_not_a_number_where_it_would_mean_nothing() {
        for x in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2e6, -f32::MAX] {
            assert!(cos(x).is_nan());
        }
    }
}
