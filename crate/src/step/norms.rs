//! Sums of squares of gradients, as the update will see them.

use crate::arith::f32_via_f64::F32ViaF64;
use crate::arith::group::{Group, WIDTH, flat, group_count};
use crate::arith::pairwise_sum::{pairwise_sum, run_sum, run_sum_via_f64, square, sum_of_squares};
use crate::arith::subnormal::SCANS;
use crate::memory::gradient_view::GradientView;
use crate::step::gradient_scaling::GradientScaling;
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
