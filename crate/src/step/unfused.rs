//! What surrounds the rule, as loops of their own over a block: clipping, weight decay of both kinds, the moving
//! average.

use crate::arith::group::{Group, map_into, update_each, update_each_with, zip_into};
use crate::arith::lanes::Lanes;
use crate::rule::clip::{Clip, clamped, scaled_to_norm};
use crate::rule::ema::Ema;
use crate::rule::weight_decay::{decayed, penalized};

/// The block of clipped gradients. Writes to `scratch` only if there is something to do.
#[expect(clippy::inline_always, reason = "as a call per block: 1.2× slower with clipping by value")]
#[inline(always)]
pub fn clip_block<'a, L: Lanes>(clip: Clip, gradient: &'a [Group], scratch: &'a mut [Group]) -> &'a [Group] {
    match clip {
        Clip::Off => gradient,
        Clip::Norm { threshold, divisor } => map_into(scratch, gradient, |g: L| scaled_to_norm(g, threshold, divisor)),
        Clip::Factor(factor) => map_into(scratch, gradient, |g: L| g * factor),
        Clip::Value(limit) => map_into(scratch, gradient, |g: L| clamped(g, limit)),
    }
}

/// The block of gradients, [`penalized`] with the values.
#[inline(never)]
pub fn penalize_block<'a>(penalty: f32, gradient: &[Group], value: &[Group], scratch: &'a mut [Group]) -> &'a [Group] {
    zip_into(scratch, gradient, value, |g: f32, w| penalized(g, w, penalty))
}

/// `w ←` [`decayed`]
#[inline(never)]
pub fn decay_block<L: Lanes>(value: &mut [Group], weight_decay: f32, learning_rate: f32) {
    update_each(value, |w: L| decayed(w, weight_decay, learning_rate));
}

/// Moves the average; then overwrites the values with it, if this call does.
#[inline(never)]
pub fn update_ema<L: Lanes>(ema: Ema, average: &mut [Group], value: &mut [Group]) {
    update_each_with(average, value, |average: L, w| ema.averaged_value(average, w));
    overwrite_with_ema(ema, average, value);
}

/// `w ← average`, if this call overwrites.
#[inline]
pub fn overwrite_with_ema(ema: Ema, average: &[Group], value: &mut [Group]) {
    if ema.overwrites {
        value.copy_from_slice(average);
    }
}

/// Sets a block of accumulators to 0. The compiler must not see the number, or it calls `memory.fill`, for which engines
/// leave the compiled code: a step that averages two calls would be 1.1× slower.
#[inline]
pub fn clear_block(sums: &mut [Group]) {
    let zero = core::hint::black_box(0.0);
    update_each(sums, |_: f32| zero);
}
