//! The stages through which a step takes one variable, block by block: gradient prepared and clipped, weight decay, the
//! update, its average. All of them while the block is in the first-level cache.

use crate::accumulate::{Preparation, maximum};
use crate::arena::Buffer;
use crate::average::Average;
use crate::clip::{Clip, RUN, careful_sum_of_squares, pairwise_sum, run_sum, square};
use crate::decay::{self, decay, decay_carefully};
use crate::half::Elements;
use crate::subnormal::{CARE, SMALLEST, any_below};
use crate::update::{Block, Coefficients, is_delicate, update, update_carefully};
use crate::variable::Variable;

/// Elements that go through all stages together. So few, because a processor that works out of order is then still busy
/// with the roots and divisions of one block, the bottleneck, when it begins with the next stage: with EMA, blocks of 512
/// take 1.16 times as long.
pub(super) const BLOCK: usize = 64;

/// One block in so many is looked through for numbers that make arithmetic slow, others in each call. Looking through all of
/// them in each call would make a step of normal numbers 1.7 to 2 times as long.
pub(super) const TURNS: usize = 128;

/// Room for gradients on their way. Arrays, whose lengths the compiler knows, split once a call: with slices, split for
/// each tensor, 1,000 tensors of 8 take 1.00 to 1.06 times as long.
pub(super) struct Scratch<'a> {
    /// A run (of which norms are made) or a block, prepared.
    prepared: &'a mut [f32; RUN],
    clipped: &'a mut [f32; BLOCK],
    /// A run or a block, widened from 16 bits.
    pub widened: &'a mut [f32; RUN],
}

impl<'a> Scratch<'a> {
    /// Floats of room that it takes.
    pub const SIZE: usize = RUN + BLOCK + RUN;

    /// In this room.
    #[inline]
    pub fn of(room: &'a mut [f32]) -> Self {
        if let Some((prepared, rest)) = room.split_first_chunk_mut()
            && let Some((clipped, rest)) = rest.split_first_chunk_mut()
            && let Some(widened) = rest.first_chunk_mut()
        {
            Self { prepared, clipped, widened }
        } else {
            unreachable!("less room than SIZE")
        }
    }
}

/// The sum of squares of one gradient, or of a part of one that is a subtree of NumPy's pairwise sum.
#[inline]
pub(super) fn sum_of_squares(
    preparation: Preparation,
    gradient: Elements<'_>,
    accumulator: Option<&[f32]>,
    careful: bool,
    scratch: &mut [f32],
) -> f32 {
    let (prepared, rest) = scratch.split_at_mut(RUN);
    let widened = &mut rest[BLOCK..];
    pairwise_sum(0, gradient.len(), &mut |from, len| {
        let accumulator = accumulator.map_or(&[][..], |sums| &sums[from..from + len]);
        let gradient = gradient.block(from, from + len, widened);
        if CARE && careful && len.is_multiple_of(4) {
            careful_sum_of_squares(preparation.careful_block(gradient, accumulator, prepared))
        } else {
            run_sum(preparation.block(gradient, accumulator, prepared), square)
        }
    })
}

/// A variable's values, gradient and slots, or the same part of each.
pub(super) struct Arrays<'a, S> {
    pub value: &'a mut [f32],
    pub gradient: Elements<'a>,
    /// In the order of [`Slot::ALL`](super::Slot::ALL). Borrowed, and of either type: to make five slices of them costs 8 ns per tensor.
    pub slots: &'a mut [Option<S>; 5],
}

impl<'a> Arrays<'a, Buffer> {
    #[expect(clippy::inline_always, reason = "a call per tensor or block: see `Preparation::block`")]
    #[inline(always)]
    pub fn of(variable: &'a mut Variable, slots: &'a mut [Option<Buffer>; 5]) -> Self {
        let Variable { value, gradient, .. } = variable;
        Self { value: value.as_mut_slice(), gradient: gradient.elements(), slots }
    }
}

/// What one call does to a variable that has a gradient.
#[derive(Clone, Copy)]
pub(super) struct Stages {
    pub updates: bool,
    pub learning_rate: f32,
    pub preparation: Preparation,
    pub clip: Clip,
    pub weight_decay: Option<f32>,
    pub centered: bool,
    pub momentum: bool,
    pub coefficients: Coefficients,
    pub average: Option<Average>,
}

impl Stages {
    /// Whether accumulators are in use. An optimizer built with them can go on without.
    fn accumulates(&self) -> bool {
        self.preparation.accumulates()
    }

    /// Sets a variable to its gradient; with accumulation, to the greatest of the gradients since the last update.
    pub fn overwrite<S: AsMut<[f32]>>(&self, arrays: Arrays<'_, S>, scratch: &mut [f32]) {
        let Arrays { value, gradient, slots: [_, accumulator, ..] } = arrays;
        let Some(accumulator) = accumulator.as_mut().filter(|_| self.accumulates()) else {
            gradient.for_each_block(scratch, &mut |from, gradient| {
                value[from..from + gradient.len()].copy_from_slice(gradient);
            });
            return;
        };
        let accumulator = accumulator.as_mut();
        gradient.for_each_block(scratch, &mut |from, gradient| {
            for (greatest, &g) in accumulator[from..].iter_mut().zip(gradient) {
                *greatest = maximum(g, *greatest);
            }
        });
        if self.updates {
            value.copy_from_slice(accumulator);
            accumulator.fill(0.0);
        }
    }

    /// What happens to a variable that had no gradient in this call: its average moves, and an update drops what it had
    /// accumulated (Keras' quirk).
    pub fn finish_unselected<S: AsMut<[f32]>>(&self, arrays: Arrays<'_, S>) {
        let Arrays { value, slots: [average, accumulator, ..], .. } = arrays;
        if let (true, Some(accumulator)) = (self.updates && self.accumulates(), accumulator) {
            accumulator.as_mut().fill(0.0);
        }
        if let (Some(rule), Some(average)) = (self.average, average) {
            rule.update(average.as_mut(), value);
        }
    }

    /// Takes a variable through the stages, block by block. The blocks to look through are those of this `turn`;
    /// `was_careful` says of the step before, and then of this one, whether some needed care.
    #[expect(clippy::inline_always, reason = "a call per tensor or block: see `Preparation::block`")]
    #[inline(always)]
    pub fn run<S: AsMut<[f32]>>(
        &self,
        arrays: Arrays<'_, S>,
        decays: bool,
        was_careful: &mut bool,
        scratch: &mut Scratch<'_>,
        turn: usize,
    ) {
        let mut careful = core::mem::take(was_careful);
        let mut looked_through = turn * BLOCK;
        let Arrays { value, gradient, slots: [average, accumulator, velocity, momentum, average_gradient] } = arrays;
        let Some(velocity) = velocity else { return };
        let velocity = velocity.as_mut();
        let Scratch { prepared, clipped, widened } = scratch;
        let weight_decay = self.weight_decay.filter(|_| decays);

        let mut from = 0;
        while from < value.len() {
            let to = value.len().min(from + BLOCK);
            let value = &mut value[from..to];
            let gradient = gradient.block(from, to, *widened);
            let mut accumulator = part(accumulator, from, to).filter(|_| self.accumulates());

            if CARE && (careful || from == looked_through) {
                if from == looked_through {
                    looked_through += TURNS * BLOCK;
                }
                let rows = Rows {
                    value: &mut *value,
                    gradient,
                    average: part(average, from, to).filter(|_| self.average.is_some()),
                    accumulator: accumulator.as_deref_mut(),
                    velocity: &mut velocity[from..to],
                    momentum: part(momentum, from, to).filter(|_| self.momentum),
                    average_gradient: part(average_gradient, from, to).filter(|_| self.centered),
                };
                if self.careful_block(weight_decay, rows, *prepared, *clipped) {
                    (careful, *was_careful) = (true, true);
                    from = to;
                    continue;
                }
            }

            if self.updates {
                let sums = accumulator.as_deref().unwrap_or(&[]);
                let gradient = self.clip.block(self.preparation.block(gradient, sums, *prepared), *clipped);
                if let Some(sums) = accumulator.as_deref_mut() {
                    clear(sums);
                }
                if let Some(weight_decay) = weight_decay {
                    decay(value, weight_decay, self.learning_rate);
                }
                let block = Block {
                    value: &mut *value,
                    velocity: &mut velocity[from..to],
                    average_gradient: part(average_gradient, from, to).filter(|_| self.centered),
                    momentum: part(momentum, from, to).filter(|_| self.momentum),
                };
                update(&self.coefficients, self.learning_rate, gradient, block);
            } else if let Some(sums) = accumulator {
                self.preparation.accumulate(gradient, sums);
            }
            if let (Some(rule), Some(average)) = (self.average, part(average, from, to)) {
                rule.update(average, value);
            }
            from = to;
        }
    }

    /// What [`run`](Self::run) does to a block, for numbers that may be subnormal; `false`, and nothing done, if none is.
    #[inline(never)]
    fn careful_block(
        &self,
        weight_decay: Option<f32>,
        rows: Rows<'_>,
        prepared: &mut [f32],
        clipped: &mut [f32],
    ) -> bool {
        if !self.is_delicate(weight_decay, &rows) {
            return false;
        }
        if rows.value.len().is_multiple_of(4) {
            self.careful_fours(weight_decay, rows, prepared, clipped);
        } else {
            rows.padded(|rows| self.careful_fours(weight_decay, rows, prepared, clipped));
        }
        true
    }

    /// A block whose length is a multiple of 4.
    #[inline(never)]
    fn careful_fours(&self, weight_decay: Option<f32>, rows: Rows<'_>, prepared: &mut [f32], clipped: &mut [f32]) {
        let Rows { value, gradient, average, accumulator, velocity, momentum, average_gradient } = rows;
        if self.updates {
            let sums = accumulator.as_deref().unwrap_or(&[]);
            let gradient = self.clip.careful_block(self.preparation.careful_block(gradient, sums, prepared), clipped);
            if let Some(sums) = accumulator {
                clear(sums);
            }
            if let Some(weight_decay) = weight_decay {
                decay_carefully(value, weight_decay, self.learning_rate);
            }
            let block = Block { value: &mut *value, velocity, average_gradient, momentum };
            update_carefully(&self.coefficients, self.learning_rate, gradient, block);
        } else if let Some(sums) = accumulator {
            self.preparation.accumulate_carefully(gradient, sums);
        }
        if let (Some(rule), Some(average)) = (self.average, average) {
            rule.update_carefully(average, value);
        }
    }

    /// Whether arithmetic on this block would meet subnormal numbers.
    fn is_delicate(&self, weight_decay: Option<f32>, rows: &Rows<'_>) -> bool {
        let prepared = self.preparation.shrinks();
        let average = || match (self.average, &rows.average) {
            (Some(rule), Some(average)) => rule.is_delicate(average, rows.value),
            _ => false,
        };
        let sums = || rows.accumulator.as_deref().is_some_and(|sums| any_below(sums, SMALLEST - prepared));
        if !self.updates {
            return sums() || any_below(rows.gradient, SMALLEST - prepared) || average();
        }
        let shrunk = prepared + self.clip.shrinks();
        let Rows { gradient, velocity, momentum, average_gradient, .. } = rows;
        let (momentum, average_gradient) = (momentum.as_deref(), average_gradient.as_deref());
        is_delicate(self.coefficients, self.learning_rate, (gradient, shrunk), velocity, momentum, average_gradient)
            || sums()
            || average()
            || weight_decay.is_some_and(|decay| decay::is_delicate(rows.value, decay, self.learning_rate))
    }
}

/// A block of a variable and of its state, one slice per array; `None` for what is not in use.
struct Rows<'a> {
    value: &'a mut [f32],
    gradient: &'a [f32],
    average: Option<&'a mut [f32]>,
    accumulator: Option<&'a mut [f32]>,
    velocity: &'a mut [f32],
    momentum: Option<&'a mut [f32]>,
    average_gradient: Option<&'a mut [f32]>,
}

impl Rows<'_> {
    /// Lets `work` have the rows with zeros after their ends.
    #[inline(never)]
    fn padded(self, work: impl FnOnce(Rows<'_>)) {
        let len = self.value.len();
        let mut gradient = [0.0; BLOCK];
        gradient[..len].copy_from_slice(self.gradient);
        let mut rows = [
            Some(self.value),
            Some(self.velocity),
            self.average,
            self.accumulator,
            self.momentum,
            self.average_gradient,
        ];
        let mut copies = [[0.0; BLOCK]; 6];
        for (copy, row) in copies.iter_mut().zip(&rows) {
            if let Some(row) = row {
                copy[..len].copy_from_slice(row);
            }
        }
        let [is_averaged, is_accumulated, has_momentum, is_centered] = [2, 3, 4, 5].map(|i: usize| rows[i].is_some());
        let [value, velocity, average, accumulator, momentum, average_gradient] = &mut copies;
        work(Rows {
            value,
            gradient: &gradient,
            velocity,
            average: is_averaged.then_some(average),
            accumulator: is_accumulated.then_some(accumulator),
            momentum: has_momentum.then_some(momentum),
            average_gradient: is_centered.then_some(average_gradient),
        });
        for (copy, row) in copies.iter().zip(&mut rows) {
            if let Some(row) = row {
                row.copy_from_slice(&copy[..len]);
            }
        }
    }
}

/// Elements `from..to` of a slot, if it is kept.
#[expect(clippy::inline_always, reason = "a call per tensor or block: see `Preparation::block`")]
#[inline(always)]
fn part<S: AsMut<[f32]>>(slot: &mut Option<S>, from: usize, to: usize) -> Option<&mut [f32]> {
    slot.as_mut().map(|slot| &mut slot.as_mut()[from..to])
}

/// Sets a block of accumulators to 0. The compiler must not see the number, or it calls `memory.fill`, for which engines
/// leave the compiled code: with it, a step that averages two calls takes 1.1 times as long.
#[inline]
fn clear(sums: &mut [f32]) {
    let zero = core::hint::black_box(0.0);
    for sum in sums {
        *sum = zero;
    }
}
