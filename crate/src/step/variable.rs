//! One variable's step: in a single pass of the fused loop where that is all there is to do; otherwise block by block, so that
//! all is done while a block is in the first-level cache.

use crate::arith::f32_via_f64::F32ViaF64;
use crate::arith::group::{Group, update_each_with};
use crate::arith::subnormal::{MIN_NORMAL, SCANS, SmallNumbers, any_below, exponent_loss};
use crate::memory::gradient_view::GradientView;
use crate::rule::accumulate::maximum;
use crate::rule::clip::Clip;
use crate::rule::ema::Ema;
use crate::step::arrays::Arrays;
use crate::step::call::Settings;
use crate::step::fused::{Block, range_of, update_block};
use crate::step::scratch::{BLOCK, Scratch, UNFUSED_BLOCK};
use crate::step::slots::Slots;
use crate::step::subnormal_update::{
    clip_exponent_loss, clip_via_f64, decay_may_underflow, ema_may_underflow, ema_via_f64, gradient_may_underflow,
    scaling_exponent_loss, small_numbers, update_stuck, update_via_f64,
};
use crate::step::unfused::{clear_block, clip_block, penalize_block, update_ema};
use core::ops::Range;

/// One block in this many is scanned for subnormal numbers, a different one in each call. Scanning all would
/// make a step of normal numbers 1.7× to 2× slower.
const SCAN_PERIOD: usize = 128;

/// A variable in which all small numbers are stuck is scanned in one call of this many.
const STUCK_PERIOD: usize = 16;

/// The first block to scan for subnormal numbers in this call, of the variable or piece with this index. Never block 0 of the
/// first variable in the first call, so that a first step need not compile the scanner.
#[inline]
pub fn scan_offset(index: usize, raw_iterations: u32) -> usize {
    index.wrapping_add(raw_iterations as usize).wrapping_add(1) % SCAN_PERIOD
}

/// What a step keeps of one variable from call to call.
#[derive(Clone, Copy, Debug)]
pub struct Tracked {
    /// Whether weight decay applies.
    pub decays: bool,
    /// What the last scan met. Decides on the speed of a step, never on its bits.
    pub small: SmallNumbers,
}

/// One variable's step, with its gradient clipped by `clip`.
#[inline]
pub fn step_variable<S: AsMut<[Group]>>(
    settings: &Settings,
    clip: Clip,
    mut arrays: Arrays<'_, S>,
    tracked: &mut Tracked,
    scratch: &mut Scratch,
    scan_offset: usize,
) {
    let (len, decays) = (arrays.value.len(), tracked.decays);
    if SCANS && (tracked.small != SmallNumbers::None || scan_offset * BLOCK < len) {
        return step_with_scans(settings, clip, arrays, tracked, scratch, scan_offset);
    }
    match (settings.single_pass_factor(), arrays.gradient) {
        (Some(factor), GradientView::Float32(gradient)) if settings.penalty(decays).is_none() => {
            step_in_single_pass(settings, gradient, &mut arrays, factor, decays);
        }
        _ => step_range(settings, clip, &mut arrays, 0..len, (decays, false), scratch),
    }
}

/// The step of a variable before which nothing has to be done to its gradient, which is multiplied by `factor`.
#[inline(never)]
fn step_in_single_pass<S: AsMut<[Group]>>(
    settings: &Settings,
    gradient: &[Group],
    arrays: &mut Arrays<'_, S>,
    factor: f32,
    decays: bool,
) {
    if let Some((block, _)) = Block::of(settings, arrays, 0..gradient.len(), factor, decays) {
        update_block(&settings.coefficients, gradient, block);
    }
}

/// Runs the step with scans of the blocks whose turn it is.
#[inline(never)]
fn step_with_scans<S: AsMut<[Group]>>(
    settings: &Settings,
    clip: Clip,
    mut arrays: Arrays<'_, S>,
    tracked: &mut Tracked,
    scratch: &mut Scratch,
    scan_offset: usize,
) {
    let (len, decays) = (arrays.value.len(), tracked.decays);
    // That all small numbers are stuck holds until the next scan. Otherwise, once a block has small numbers, all blocks
    // behind it are scanned.
    let is_known = tracked.small == SmallNumbers::Stuck && !scan_offset.is_multiple_of(STUCK_PERIOD);
    let mut scans_all = !is_known && tracked.small != SmallNumbers::None;
    let mut next_scan = if is_known { len } else { scan_offset * BLOCK };
    // A call that only accumulates does not look at the state.
    if settings.updates && !is_known {
        tracked.small = SmallNumbers::None;
    }
    let mut from = 0;
    while from < len {
        let scans = scans_all || from == next_scan;
        if from == next_scan {
            next_scan += SCAN_PERIOD * BLOCK;
        }
        let end = len.min(if scans { from + BLOCK } else { next_scan });
        let mut small = if is_known { SmallNumbers::Stuck } else { SmallNumbers::None };
        if scans {
            small = scan_block(settings, clip, &mut arrays, from..end, decays, scratch);
            tracked.small = tracked.small.max(small);
            scans_all |= small != SmallNumbers::None;
        }
        if small != SmallNumbers::Any {
            step_range(settings, clip, &mut arrays, from..end, (decays, small == SmallNumbers::Stuck), scratch);
        }
        from = end;
    }
}

/// Takes a range of a variable through all stages, block by block: gradient scaled, clipped and penalized, then the fused loop.
/// `is_stuck`: whether all its small numbers are stuck.
#[inline(never)]
fn step_range<S: AsMut<[Group]>>(
    settings: &Settings,
    clip: Clip,
    arrays: &mut Arrays<'_, S>,
    range: Range<usize>,
    (decays, is_stuck): (bool, bool),
    scratch: &mut Scratch,
) {
    if !settings.updates {
        return accumulate_range(settings, arrays, range, &mut scratch.widened);
    }
    let Scratch { scaled, clipped, widened, penalized, .. } = scratch;
    let view = arrays.gradient;
    let penalty = settings.penalty(decays);
    let path = settings.gradient_path(clip, penalty.is_some());
    let is_direct = matches!(view, GradientView::Float32(_)) && path.is_direct() && penalty.is_none();
    let block_len = match (is_direct, is_stuck) {
        (true, false) => range.len(),
        (true, true) => BLOCK,
        (false, _) => UNFUSED_BLOCK,
    };
    let mut from = range.start;
    while from < range.end {
        let to = range.end.min(from + block_len);
        let gradient = view.float32(from, to, widened);
        let Some((block, sums)) = Block::of(settings, arrays, from..to, path.factor, decays) else { return };
        let scaled = path.scaling.scaled::<f32>(gradient, sums.as_deref().unwrap_or(&[]), scaled);
        let mut gradient = clip_block::<f32>(path.clip, scaled, clipped);
        if let Some(penalty) = penalty {
            gradient = penalize_block(penalty, gradient, block.value, penalized);
        }
        if let Some(sums) = sums {
            clear_block(sums);
        }
        if is_stuck {
            update_stuck(&settings.coefficients, gradient, block);
        } else {
            update_block(&settings.coefficients, gradient, block);
        }
        from = to;
    }
}

/// What a call that only accumulates does to a range of a variable.
#[inline(never)]
fn accumulate_range<S: AsMut<[Group]>>(
    settings: &Settings,
    arrays: &mut Arrays<'_, S>,
    range: Range<usize>,
    widened: &mut [Group],
) {
    let Arrays { value, gradient, slots: Slots { average, gradient_accumulator, .. } } = arrays;
    let block_len = if let GradientView::Float32(_) = gradient { range.len() } else { BLOCK };
    if let Some(accumulator) = gradient_accumulator.as_mut().filter(|_| settings.scaling.accumulates()) {
        let mut from = range.start;
        while from < range.end {
            let to = range.end.min(from + block_len);
            settings
                .scaling
                .accumulate::<f32>(gradient.float32(from, to, widened), &mut accumulator.as_mut()[from..to]);
            from = to;
        }
    }
    if let (Some(ema), Some(average)) = (settings.ema, range_of(average, &range)) {
        update_ema::<f32>(ema, average, &mut value[range]);
    }
}

/// Returns which small numbers a block has. If not all are stuck, does what [`step_range`] does to it.
#[inline(never)]
fn scan_block<S: AsMut<[Group]>>(
    settings: &Settings,
    clip: Clip,
    arrays: &mut Arrays<'_, S>,
    range: Range<usize>,
    decays: bool,
    Scratch { scaled, clipped_via_f64, widened, penalized, .. }: &mut Scratch,
) -> SmallNumbers {
    #[cfg(test)]
    SCANNED.set(SCANNED.get() + 1);
    let penalty = settings.penalty(decays);
    let gradient = arrays.gradient.float32(range.start, range.end, widened);
    let Some((block, accumulator)) = Block::of(settings, arrays, range, 1.0, decays) else { return SmallNumbers::None };
    let small = small_numbers_of_block(settings, (clip, penalty), gradient, &block, accumulator.as_deref());
    if small != SmallNumbers::Any {
        return small;
    }
    if settings.updates {
        let sums = accumulator.as_deref().unwrap_or(&[]);
        let scaled = settings.scaling.scaled::<F32ViaF64>(gradient, sums, scaled);
        let mut gradient = clip_via_f64(clip, scaled, clipped_via_f64);
        if let Some(penalty) = penalty {
            gradient = penalize_block(penalty, gradient, block.value, penalized);
        }
        if let Some(sums) = accumulator {
            clear_block(sums);
        }
        update_via_f64(&settings.coefficients, gradient, block);
        return small;
    }
    if let Some(sums) = accumulator {
        settings.scaling.accumulate::<F32ViaF64>(gradient, sums);
    }
    if let Some((ema, average)) = block.average {
        ema_via_f64(ema, average, block.value);
    }
    small
}

/// The small numbers that arithmetic on this block may meet.
fn small_numbers_of_block(
    settings: &Settings,
    (clip, penalty): (Clip, Option<f32>),
    gradient: &[Group],
    block: &Block<'_>,
    accumulator: Option<&[Group]>,
) -> SmallNumbers {
    let c = &settings.coefficients;
    let loss = scaling_exponent_loss(&settings.scaling);
    let of_rule = if settings.updates {
        small_numbers(c, (gradient, loss + clip_exponent_loss(clip)), &block.state)
    } else if any_below(gradient, MIN_NORMAL - loss) {
        SmallNumbers::Any
    } else {
        SmallNumbers::None
    };
    // Where a gradient is 0, the penalty is the gradient.
    let penalty_may_underflow = |penalty| {
        gradient_may_underflow(c, block.value, exponent_loss(penalty), block.state.average_gradient.is_some())
    };
    let any = of_rule == SmallNumbers::Any
        || (settings.updates
            && (penalty.is_some_and(penalty_may_underflow)
                || block.weight_decay.is_some_and(|decay| decay_may_underflow(block.value, decay, c.eta))))
        || accumulator.is_some_and(|sums| any_below(sums, MIN_NORMAL - loss))
        || block.average.as_ref().is_some_and(|(ema, average)| ema_may_underflow(*ema, average, block.value));
    if any { SmallNumbers::Any } else { of_rule }
}

/// Sets a variable to its gradient; with accumulation, to the greatest of the gradients since the last update.
pub fn overwrite_with_gradient<S: AsMut<[Group]>>(
    settings: &Settings,
    arrays: Arrays<'_, S>,
    Scratch { widened, .. }: &mut Scratch,
) {
    let Arrays { value, gradient, slots: Slots { gradient_accumulator, .. } } = arrays;
    let Some(accumulator) = gradient_accumulator.as_mut().filter(|_| settings.scaling.accumulates()) else {
        gradient.for_each_block(widened, &mut |from, gradient| {
            value[from..from + gradient.len()].copy_from_slice(gradient);
        });
        return;
    };
    let accumulator = accumulator.as_mut();
    gradient.for_each_block(widened, &mut |from, gradient| {
        update_each_with(&mut accumulator[from..], gradient, |greatest: f32, g| maximum(g, greatest));
    });
    if settings.updates {
        value.copy_from_slice(accumulator);
        accumulator.fill(Group::ZERO);
    }
}

/// What happens to a variable that had no gradient in this call: its average moves, and an update drops what it had
/// accumulated (a quirk of Keras). If it is frozen, its average does not overwrite it.
pub fn step_without_gradient<S: AsMut<[Group]>>(settings: &Settings, arrays: Arrays<'_, S>, is_frozen: bool) {
    let Arrays { value, slots: Slots { average, gradient_accumulator: accumulator, .. }, .. } = arrays;
    if let (true, Some(accumulator)) = (settings.updates && settings.scaling.accumulates(), accumulator) {
        accumulator.as_mut().fill(Group::ZERO);
    }
    if let (Some(ema), Some(average)) = (settings.ema, average) {
        update_ema::<f32>(Ema { overwrites: ema.overwrites && !is_frozen, ..ema }, average.as_mut(), value);
    }
}

#[cfg(test)]
std::thread_local! {
    /// Blocks that this thread has scanned.
    pub static SCANNED: core::cell::Cell<usize> = const { core::cell::Cell::new(0) };
}
