//! Exponential moving average of the variables' values (`use_ema`).
//!
//! Keras 3.15.1, `optimizers/base_optimizer.py`, `_update_model_variables_moving_average` and
//! `_overwrite_model_variables_with_average_value`.

use crate::arith::lanes::Lanes;

/// The moving average's scalars in one call.
#[derive(Clone, Copy, Debug)]
pub struct Ema {
    /// M, the weight of the old average: `ema_momentum`, but 0 in iteration 0, so that the first average is a copy.
    pub momentum: f32,
    /// Whether the variables are overwritten with their averages in this call.
    pub overwrites: bool,
}

impl Ema {
    /// No average.
    pub const OFF: Self = Self { momentum: 0.0, overwrites: false };

    /// The average in a call at `iteration` (updates so far, not calls), overwriting every `frequency` iterations.
    ///
    /// With gradient accumulation all calls of one iteration overwrite, also those that do not update, as in Keras.
    pub fn new(iteration: u32, ema_momentum: f64, frequency: Option<u32>) -> Self {
        let not_first_step = if iteration == 0 { 0.0 } else { 1.0_f32 };
        Self {
            momentum: not_first_step * ema_momentum as f32,
            overwrites: frequency.is_some_and(|frequency| iteration.wrapping_add(1).is_multiple_of(frequency)),
        }
    }

    /// `M·average + (1-M)·w`, with 1-M in float32.
    #[inline]
    pub fn averaged_value<L: Lanes>(self, average: L, w: L) -> L {
        average * self.momentum + w * (1.0 - self.momentum)
    }
}
