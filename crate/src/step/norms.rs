//! Sums of squares of gradients, as the update will see them, and the norms that follow from them.

use crate::arith::f32_via_f64::F32ViaF64;
use crate::arith::group::{Group, WIDTH, flat, group_count};
use crate::arith::pairwise_sum::{pairwise_sum, run_sum, run_sum_via_f64, square, sum_of_squares};
use crate::arith::subnormal::SCANS;
use crate::memory::gradient_view::GradientView;
use crate::rule::clip::{Clip, ClipMode, joint_norm, norm_divisor};
use crate::step::gradient_scaling::GradientScaling;
use crate::step::last_step::LastStep;
use crate::step::scratch::Scratch;

/// The sum of squares of one gradient of `len` elements, or of a subtree of NumPy's pairwise sum over one. `has_subnormals`:
/// whether the last step met numbers that are slow to multiply.
#[inline]
pub fn gradient_sum_of_squares(
    scaling: GradientScaling,
    gradient: GradientView<'_>,
    len: usize,
    accumulator: Option<&[Group]>,
    has_subnormals: bool,
    scratch: &mut Scratch,
) -> f32 {
    if let (GradientView::Float32(gradient), true, false) = (gradient, scaling.is_identity(), has_subnormals) {
        return sum_of_squares(&flat(gradient)[..len]);
    }
    pairwise_sum(0, len, &mut |from, len| {
        let (first, end) = (from / WIDTH, group_count(from + len));
        let accumulator = accumulator.map_or(&[][..], |sums| &sums[first..end]);
        let gradient = gradient.float32(first, end, &mut scratch.widened);
        if SCANS && has_subnormals {
            run_sum_via_f64(scaling.scaled::<F32ViaF64>(gradient, accumulator, &mut scratch.scaled), len)
        } else {
            run_sum(&flat(scaling.scaled::<f32>(gradient, accumulator, &mut scratch.scaled))[..len], square)
        }
    })
}

/// The norms of a call's gradients.
#[derive(Clone, Copy, Debug)]
pub struct Norms {
    /// As [`LastStep::gradient_norm`].
    pub gradient_norm: f32,
    /// As [`LastStep::clip_factor`].
    pub clip_factor: f32,
}

impl Norms {
    /// What is known of gradients that nobody looked at.
    pub const UNKNOWN: Self = Self { gradient_norm: LastStep::UNKNOWN, clip_factor: 1.0 };

    /// From the sums of squares of all gradients, in their order.
    #[inline(never)]
    pub fn new(clip_mode: ClipMode, sums_of_squares: &[f32]) -> Self {
        let gradient_norm = joint_norm(sums_of_squares);
        let clip_factor = match clip_mode {
            ClipMode::GlobalNorm(threshold) => Clip::global_factor(threshold, gradient_norm),
            ClipMode::Norm(threshold) => {
                // Numbers that are not negative are in the order of their bits, and `NaN` is above all: the compiler sees a
                // maximum of integers, four at a time.
                let greatest = sums_of_squares.iter().fold(0, |greatest, sum| greatest.max(sum.abs().to_bits()));
                let threshold = threshold as f32;
                threshold / norm_divisor(threshold, f32::from_bits(greatest))
            }
            ClipMode::Off | ClipMode::Value(_) => 1.0,
        };
        Self { gradient_norm, clip_factor }
    }
}
