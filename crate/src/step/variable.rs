//! The stages through which a step takes one variable: gradient prepared and clipped, weight decay, the update, its average.
//! Block by block where that takes more than one loop, so that all of it is done while the block is in the first-level cache.

use crate::arith::group::{Group, WIDTH, apply, apply_with, flat, groups};
use crate::arith::lanes::Careful;
use crate::arith::pairwise_sum::{RUN, careful_sum_of_squares, pairwise_sum, run_sum, square};
use crate::arith::subnormal::{CARE, SMALLEST, any_below};
use crate::memory::buffer::Buffer;
use crate::memory::gradient::Elements;
use crate::memory::variable::Variable;
use crate::rule::accumulate::{Preparation, maximum};
use crate::rule::clip::{Clip, ClipMode};
use crate::rule::ema::Average;
use crate::rule::rmsprop::Coefficients;
use crate::rule::weight_decay;
use crate::step::fused::{Block, TOGETHER, update, update_in_place};
use crate::step::optimizer::Call;
use crate::step::slots::Slots;
use crate::step::subnormal_update::{StillBounds, is_delicate, update_carefully};
use core::ops::Range;

/// Groups that are taken at once: 128 elements, a run of NumPy's sum.
pub(crate) const BLOCK: usize = groups(RUN);

/// The same where gradients are prepared or clipped first, in loops of their own: 64 elements. So few, because a processor that
/// works out of order is then still busy with the roots and divisions of one block, the bottleneck, when it begins with the
/// next: with clipping by norms, blocks of 128 take 1.04 times as long.
const STAGED: usize = BLOCK / 2;

/// One block in so many is looked through for numbers that make arithmetic slow, others in each call. Looking through all of
/// them in each call would make a step of normal numbers 1.7 to 2 times as long.
const TURNS: usize = 128;

/// Which block it is, of the variable or piece in this place. Not yet the first one's in the first call: what looks through it
/// would have to be compiled for that.
#[inline]
pub(crate) fn turn_of(place: usize, raw_iterations: u32) -> usize {
    place.wrapping_add(raw_iterations as usize).wrapping_add(1) % TURNS
}

/// Room for gradients on their way. One object, so that the compiler knows: what is written here is no array of the model.
#[derive(Debug)]
pub(crate) struct Scratch {
    /// A run (of which norms are made) or a block, prepared.
    prepared: [Group; groups(RUN)],
    /// Of constant length, so that the compiler can unroll loops over it: with clipping by value, a step takes 0.89 of the time.
    clipped: [Group; STAGED],
    clipped_carefully: [Group; BLOCK],
    /// A run or a block, widened from 16 bits.
    pub widened: [Group; groups(RUN)],
}

impl Scratch {
    /// Zeros.
    pub const fn new() -> Self {
        Self {
            prepared: [Group::ZERO; groups(RUN)],
            clipped: [Group::ZERO; STAGED],
            clipped_carefully: [Group::ZERO; BLOCK],
            widened: [Group::ZERO; groups(RUN)],
        }
    }
}

/// The sum of squares of one gradient of `len` elements, or of a part of one that is a subtree of NumPy's pairwise sum.
#[inline]
pub(crate) fn sum_of_squares(
    preparation: Preparation,
    gradient: Elements<'_>,
    len: usize,
    accumulator: Option<&[Group]>,
    careful: bool,
    scratch: &mut Scratch,
) -> f32 {
    if let (Elements::Float32(gradient), true, false) = (gradient, preparation.is_idle(), careful) {
        return crate::arith::pairwise_sum::sum_of_squares(&flat(gradient)[..len]);
    }
    pairwise_sum(0, len, &mut |from, len| {
        let (first, end) = (from / WIDTH, groups(from + len));
        let accumulator = accumulator.map_or(&[][..], |sums| &sums[first..end]);
        let gradient = gradient.block(first, end, &mut scratch.widened);
        if CARE && careful {
            careful_sum_of_squares(preparation.block::<Careful>(gradient, accumulator, &mut scratch.prepared), len)
        } else {
            run_sum(&flat(preparation.block::<f32>(gradient, accumulator, &mut scratch.prepared))[..len], square)
        }
    })
}

/// A variable's values, gradient and slots, or the same part of each.
pub(crate) struct Arrays<'a, S> {
    pub value: &'a mut [Group],
    pub gradient: Elements<'a>,
    /// Borrowed, and of either type: to make five slices of them costs 8 ns per tensor.
    pub slots: &'a mut Slots<Option<S>>,
}

impl<'a> Arrays<'a, Buffer> {
    #[inline]
    pub fn of(variable: &'a mut Variable, slots: &'a mut Slots<Option<Buffer>>) -> Self {
        let Variable { value, gradient, .. } = variable;
        Self { value: value.groups_mut(), gradient: gradient.elements(), slots }
    }
}

impl<'a, S> Arrays<'a, S> {
    /// The gradient, if it is float32 and no block of the arrays is to be looked through in this `turn`.
    #[inline]
    fn undisturbed(&self, turn: usize) -> Option<&'a [Group]> {
        if let Elements::Float32(gradient) = self.gradient { Some(gradient) } else { None }
            .filter(|gradient| gradient.len() <= turn * BLOCK)
    }
}

/// What one call does to a variable that has a gradient.
#[derive(Clone, Copy)]
pub(crate) struct Stages {
    pub updates: bool,
    pub preparation: Preparation,
    pub clip_mode: ClipMode,
    /// What becomes of `clip_mode`: under a variable's own norm, known when its turn comes.
    pub clip: Clip,
    pub weight_decay: Option<f32>,
    pub centered: bool,
    pub momentum: bool,
    pub coefficients: Coefficients,
    pub average: Option<Average>,
}

impl Stages {
    /// What is done to gradients before the loop of the rule reads them, and what they are multiplied by in it. A last
    /// multiplication costs nothing there; in a loop of its own it would take 0.02 ns per parameter, and cut the variable in
    /// blocks. In calls that only accumulate there is nothing to multiply by: they have no factor, nor are they clipped.
    fn before(&self) -> (Preparation, Clip, f32) {
        match (self.preparation.factor(), self.clip) {
            (_, Clip::Factor(factor)) if TOGETHER => (self.preparation, Clip::Off, factor),
            (Some(factor), Clip::Off) if TOGETHER => (Preparation::default(), Clip::Off, factor),
            _ => (self.preparation, self.clip, 1.0),
        }
    }

    /// What gradients are multiplied by, if the step of each variable is one loop.
    #[inline]
    pub fn at_once(&self, call: Call) -> Option<f32> {
        let (preparation, clip, factor) = self.before();
        let is_direct = preparation.is_idle() && clip == Clip::Off && !matches!(self.clip_mode, ClipMode::Norm(_));
        (TOGETHER && is_direct && call.selected.is_none()).then_some(factor)
    }

    /// The same, if there is nothing around the rule, and that is Keras'.
    #[inline]
    pub fn in_place(&self, call: Call) -> Option<f32> {
        let is_alone = self.weight_decay.is_none() && self.average.is_none() && self.coefficients.are_keras;
        self.at_once(call).filter(|_| is_alone)
    }

    /// Whether accumulators are in use. An optimizer built with them can go on without.
    fn accumulates(&self) -> bool {
        self.preparation.accumulates()
    }

    /// Sets a variable to its gradient; with accumulation, to the greatest of the gradients since the last update.
    pub fn overwrite<S: AsMut<[Group]>>(&self, arrays: Arrays<'_, S>, scratch: &mut [Group]) {
        let Arrays { value, gradient, slots: Slots { accumulator, .. } } = arrays;
        let Some(accumulator) = accumulator.as_mut().filter(|_| self.accumulates()) else {
            gradient.for_each_block(scratch, &mut |from, gradient| {
                value[from..from + gradient.len()].copy_from_slice(gradient);
            });
            return;
        };
        let accumulator = accumulator.as_mut();
        gradient.for_each_block(scratch, &mut |from, gradient| {
            apply_with(&mut accumulator[from..], gradient, |greatest: f32, g| maximum(g, greatest));
        });
        if self.updates {
            value.copy_from_slice(accumulator);
            accumulator.fill(Group::ZERO);
        }
    }

    /// What happens to a variable that had no gradient in this call: its average moves, and an update drops what it had
    /// accumulated (Keras' quirk).
    pub fn finish_unselected<S: AsMut<[Group]>>(&self, arrays: Arrays<'_, S>) {
        let Arrays { value, slots: Slots { average, accumulator, .. }, .. } = arrays;
        if let (true, Some(accumulator)) = (self.updates && self.accumulates(), accumulator) {
            accumulator.as_mut().fill(Group::ZERO);
        }
        if let (Some(average), Some(averages)) = (self.average, average) {
            average.update::<f32>(averages.as_mut(), value);
        }
    }

    /// The step of a variable that is one loop, with the rule alone, if no block of it is to be looked through in this `turn`;
    /// `false`, and nothing done, if it is not so. Without stages there are no blocks: 1,000 tensors of 8 take 0.2 of the time.
    #[inline]
    pub fn update_in_place(&self, arrays: Arrays<'_, Buffer>, factor: f32, turn: usize) -> bool {
        let Some(gradient) = arrays.undisturbed(turn) else { return false };
        // Not by `block`, which looks at all slots: 1,000 tensors of 8 would take 1.03 times as long.
        let Arrays { value, slots: Slots { velocity, momentum, average_gradient, .. }, .. } = arrays;
        let Some(velocity) = velocity else { return false };
        let average_gradient = average_gradient.as_mut().filter(|_| self.centered).map(Buffer::groups_mut);
        let momentum = momentum.as_mut().filter(|_| self.momentum).map(Buffer::groups_mut);
        let written = (value, velocity.groups_mut());
        update_in_place(&self.coefficients, factor, gradient, written, (average_gradient, momentum));
        true
    }

    /// The same with weight decay and the average: 1,000 tensors of 8 take 0.7 of the time.
    #[inline(never)]
    pub fn update_at_once<S: AsMut<[Group]>>(
        &self,
        arrays: &mut Arrays<'_, S>,
        decays: bool,
        factor: f32,
        turn: usize,
    ) -> bool {
        let Some(gradient) = arrays.undisturbed(turn) else { return false };
        let Some((block, _)) = self.block(arrays, 0..gradient.len(), factor, decays) else { return false };
        update(&self.coefficients, gradient, block);
        true
    }

    /// Takes a variable through the stages, block by block. The blocks to look through are those of this `turn`;
    /// `was_careful` says of the step before, and then of this one, whether some needed care.
    #[inline(never)]
    pub fn run<S: AsMut<[Group]>>(
        &self,
        mut arrays: Arrays<'_, S>,
        decays: bool,
        was_careful: &mut bool,
        scratch: &mut Scratch,
        turn: usize,
    ) {
        let Scratch { prepared, clipped, clipped_carefully, widened } = scratch;
        let (len, all) = (arrays.value.len(), arrays.gradient);
        let (preparation, clip, factor) = self.before();
        let is_direct =
            matches!(all, Elements::Float32(_)) && (!self.updates || preparation.is_idle() && clip == Clip::Off);
        let block_len = if is_direct { len } else { STAGED };

        let mut careful = core::mem::take(was_careful);
        let mut next_turn = if CARE { turn * BLOCK } else { len };
        let mut still = None;
        let mut from = 0;
        while from < len {
            let looks_through = CARE && (careful || from == next_turn);
            if from == next_turn {
                next_turn += TURNS * BLOCK;
            }
            let end = len.min(if looks_through { from + BLOCK } else { next_turn });
            if looks_through {
                let gradient = all.block(from, end, widened);
                let Some(rows) = self.block(&mut arrays, from..end, 1.0, decays) else { return };
                if self.careful_block(&mut still, gradient, rows, prepared, clipped_carefully) {
                    (careful, *was_careful) = (true, true);
                    from = end;
                    continue;
                }
            }

            while from < end {
                let to = end.min(from + block_len);
                let gradient = all.block(from, to, widened);
                let Some((block, sums)) = self.block(&mut arrays, from..to, factor, decays) else { return };
                if self.updates {
                    let prepared = preparation.block::<f32>(gradient, sums.as_deref().unwrap_or(&[]), prepared);
                    let gradient = clip.block::<f32>(prepared, clipped);
                    if let Some(sums) = sums {
                        clear(sums);
                    }
                    update(&self.coefficients, gradient, block);
                } else {
                    if let Some(sums) = sums {
                        self.preparation.accumulate::<f32>(gradient, sums);
                    }
                    if let Some((average, averages)) = block.average {
                        average.update::<f32>(averages, block.value);
                    }
                }
                from = to;
            }
        }
    }

    /// A part of the arrays in use, and of the accumulator; `None` if there is no velocity.
    #[expect(
        clippy::inline_always,
        reason = "a block in memory: with clipping by value, a step takes 1.4 times as long"
    )]
    #[inline(always)]
    fn block<'a, S: AsMut<[Group]>>(
        &self,
        arrays: &'a mut Arrays<'_, S>,
        range: Range<usize>,
        factor: f32,
        decays: bool,
    ) -> Option<(Block<'a>, Option<&'a mut [Group]>)> {
        let Arrays { value, slots: Slots { average, accumulator, velocity, momentum, average_gradient }, .. } = arrays;
        let block = Block {
            value: &mut value[range.clone()],
            velocity: part(velocity, &range)?,
            average_gradient: part(average_gradient, &range).filter(|_| self.centered),
            momentum: part(momentum, &range).filter(|_| self.momentum),
            factor,
            weight_decay: self.weight_decay.filter(|_| decays),
            average: self.average.zip(part(average, &range)),
        };
        Some((block, part(accumulator, &range).filter(|_| self.accumulates())))
    }

    /// What [`run`](Self::run) does to a block, for numbers that may be subnormal; `false`, and nothing done, if none is.
    #[inline(never)]
    fn careful_block(
        &self,
        still: &mut Option<StillBounds>,
        gradient: &[Group],
        (block, accumulator): (Block<'_>, Option<&mut [Group]>),
        prepared: &mut [Group],
        clipped: &mut [Group],
    ) -> bool {
        #[cfg(test)]
        tests::LOOKED_THROUGH.set(tests::LOOKED_THROUGH.get() + 1);
        if !self.is_delicate(gradient, &block, accumulator.as_deref()) {
            return false;
        }
        if self.updates {
            let sums = accumulator.as_deref().unwrap_or(&[]);
            let gradient =
                self.clip.careful_block(self.preparation.block::<Careful>(gradient, sums, prepared), clipped);
            if let Some(sums) = accumulator {
                clear(sums);
            }
            let still = *still.get_or_insert_with(|| StillBounds::new(&self.coefficients));
            update_carefully(&self.coefficients, still, gradient, block);
            return true;
        }
        if let Some(sums) = accumulator {
            self.preparation.accumulate::<Careful>(gradient, sums);
        }
        if let Some((average, averages)) = block.average {
            average.update_carefully(averages, block.value);
        }
        true
    }

    /// Whether arithmetic on this block would meet subnormal numbers.
    fn is_delicate(&self, gradient: &[Group], block: &Block<'_>, accumulator: Option<&[Group]>) -> bool {
        let prepared = self.preparation.shrinks();
        let sums = || accumulator.is_some_and(|sums| any_below(sums, SMALLEST - prepared));
        let average =
            || block.average.as_ref().is_some_and(|(average, averages)| average.is_delicate(averages, block.value));
        if !self.updates {
            return sums() || any_below(gradient, SMALLEST - prepared) || average();
        }
        let shrunk = prepared + self.clip.shrinks();
        let (momentum, average_gradient) = (block.momentum.as_deref(), block.average_gradient.as_deref());
        is_delicate(self.coefficients, (gradient, shrunk), block.velocity, momentum, average_gradient)
            || sums()
            || average()
            || block
                .weight_decay
                .is_some_and(|decay| weight_decay::is_delicate(block.value, decay, self.coefficients.eta))
    }
}

/// A part of a slot, if it is kept.
#[inline]
fn part<'a, S: AsMut<[Group]>>(slot: &'a mut Option<S>, range: &Range<usize>) -> Option<&'a mut [Group]> {
    slot.as_mut().map(|slot| &mut slot.as_mut()[range.clone()])
}

/// Sets a block of accumulators to 0. The compiler must not see the number, or it calls `memory.fill`, for which engines
/// leave the compiled code: with it, a step that averages two calls takes 1.1 times as long.
#[inline]
fn clear(sums: &mut [Group]) {
    let zero = core::hint::black_box(0.0);
    apply(sums, |_: f32| zero);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hyperparameters, Optimizer, Slot, Variables};
    use core::cell::Cell;

    std::thread_local! {
        /// Blocks that this thread has looked through.
        pub static LOOKED_THROUGH: Cell<usize> = const { Cell::new(0) };
    }

    /// Which blocks are looked through changes no bits: only their number shows whether it is right.
    #[test]
    fn a_sample_is_looked_through_and_all_where_something_was_found() {
        let decaying = Hyperparameters { weight_decay: Some(0.0), ..Hyperparameters::default() };
        let clipping = Hyperparameters { clipvalue: Some(1.0), ..Hyperparameters::default() };
        for hyperparameters in [Hyperparameters::default(), decaying, clipping] {
            let mut variables = Variables::new();
            let lens = [300 * RUN - 5, 1];
            let handles = lens.map(|len| variables.insert(Variable::zeroed(len).unwrap()).unwrap());
            let mut optimizer = Optimizer::build(hyperparameters, &handles, &variables).unwrap();
            let mut looks = |optimizer: &mut Optimizer, call: u32| {
                assert_eq!(optimizer.raw_iterations(), call);
                let before = LOOKED_THROUGH.get();
                optimizer.step(&mut variables, 0.1).unwrap();
                LOOKED_THROUGH.get() - before
            };
            // The block of the call's turn, from 1 on, and every 128th after it.
            for call in 0..4 {
                assert_eq!(looks(&mut optimizer, call), 3);
            }
            // In its turn it is found, and all behind it are looked through; then all, as long as there is something.
            optimizer.slot_mut(Slot::Velocity, 0).unwrap()[5 * RUN + 7] = 1e-40;
            assert_eq!(looks(&mut optimizer, 4), 295);
            assert_eq!(looks(&mut optimizer, 5), 300);
            assert_eq!(looks(&mut optimizer, 6), 300);
            optimizer.slot_mut(Slot::Velocity, 0).unwrap().fill(0.0);
            assert_eq!(looks(&mut optimizer, 7), 300);
            assert_eq!(looks(&mut optimizer, 8), 3);
            // Block 299 is the last.
            optimizer.set_raw_iterations(42);
            assert_eq!(looks(&mut optimizer, 42), 3);
            assert_eq!(looks(&mut optimizer, 43), 2);
            // The second variable is one call ahead: its only block is looked through before the first one's first.
            optimizer.slot_mut(Slot::Velocity, 1).unwrap()[0] = 1e-40;
            optimizer.set_raw_iterations(125);
            assert_eq!(looks(&mut optimizer, 125), 2);
            assert_eq!(looks(&mut optimizer, 126), 2 + 1);
            assert_eq!(looks(&mut optimizer, 127), 3 + 1);
            assert_eq!(looks(&mut optimizer, 128), 3 + 1);
        }
    }
}
