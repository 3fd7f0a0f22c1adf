//! Exponential moving average of the variables' values (Keras: `use_ema`).

use crate::arith::group::{Group, apply_with};
use crate::arith::lanes::{Careful, Number};
use crate::arith::subnormal::{SMALLEST, any_below, shrinks};

/// The scalars of one call's average.
#[derive(Clone, Copy, Debug)]
pub struct Average {
    /// Weight of the old average: the EMA momentum, but 0 in iteration 0, so that the first average is a copy.
    momentum: f32,
    /// Whether the variables are overwritten by their averages now.
    pub overwrites: bool,
}

impl Average {
    /// Where there is none.
    pub const OFF: Self = Self { momentum: 0.0, overwrites: false };

    /// The average of a call made at `iteration` (updates done, not calls), overwriting every `frequency` iterations.
    ///
    /// With gradient accumulation all calls of one iteration overwrite, also those that do not update: as in Keras.
    pub fn at(iteration: u32, ema_momentum: f64, frequency: Option<u32>) -> Self {
        let weight = if iteration == 0 { 0.0 } else { 1.0_f32 };
        Self {
            momentum: weight * ema_momentum as f32,
            overwrites: frequency.is_some_and(|frequency| iteration.wrapping_add(1).is_multiple_of(frequency)),
        }
    }

    /// `M·average + (1-M)·w`, with 1-M in float32.
    #[inline]
    pub fn next<N: Number>(self, average: N, w: N) -> N {
        average * self.momentum + w * (1.0 - self.momentum)
    }

    /// `average ←` [`next`](Self::next); then `w ← average` if this call overwrites.
    pub fn update<N: Number>(self, average: &mut [Group], value: &mut [Group]) {
        apply_with(average, value, |average: N, w| self.next(average, w));
        self.overwrite(average, value);
    }

    /// [`update`](Self::update), for averages and values that may be subnormal.
    pub fn update_carefully(self, average: &mut [Group], value: &mut [Group]) {
        if self.is_delicate(average, value) {
            self.update::<Careful>(average, value);
        } else {
            self.update::<f32>(average, value);
        }
    }

    /// `w ← average`, if this call overwrites.
    #[inline]
    pub fn overwrite(self, average: &[Group], value: &mut [Group]) {
        if self.overwrites {
            value.copy_from_slice(average);
        }
    }

    /// Whether products here may be subnormal.
    pub fn is_delicate(self, average: &[Group], value: &[Group]) -> bool {
        any_below(average, SMALLEST - shrinks(self.momentum))
            || any_below(value, SMALLEST - shrinks(1.0 - self.momentum))
    }
}
