//! Exponential moving average of the variables' values (Keras: `use_ema`).

/// The scalars of one call's average.
#[derive(Clone, Copy, Debug)]
pub struct Average {
    /// Weight of the old average: the EMA momentum, but 0 in iteration 0, so that the first average is a copy.
    momentum: f32,
    /// Whether the variables are overwritten by their averages now.
    pub overwrites: bool,
}

impl Average {
    /// The average of a call made at `iteration` (updates done, not calls), overwriting every `frequency` iterations.
    ///
    /// With gradient accumulation all calls of one iteration overwrite, also those that do not update: as in Keras.
    pub fn at(iteration: u32, ema_momentum: f64, frequency: Option<u32>) -> Self {
        let not_first = if iteration == 0 { 0.0 } else { 1.0_f32 };
        Self {
            momentum: not_first * ema_momentum as f32,
            overwrites: frequency.is_some_and(|frequency| iteration.wrapping_add(1).is_multiple_of(frequency)),
        }
    }

    /// `average ← M·average + (1-M)·w`, with 1-M in float32; then `w ← average` if this call overwrites.
    #[inline]
    pub fn update(self, average: &mut [f32], value: &mut [f32]) {
        let rest = 1.0 - self.momentum;
        for (average, w) in average.iter_mut().zip(&*value) {
            *average = self.momentum * *average + rest * *w;
        }
        if self.overwrites {
            value.copy_from_slice(average);
        }
    }
}
