//! Keras' `CosineDecay` (I. Loshchilov, F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, 2017).

use super::definition::schedule;
use super::functions::{minimum, one_plus_cosine};

schedule! {
    /// A linear warm-up from `initialLearningRate` to `warmupTarget`, if there is one; then half a cosine down to `alpha` times
    /// the rate it started from.
    ///
    /// ```ts
    /// const warmup = { warmupTarget: 0.1, warmupSteps: 100 };
    /// const rate = new CosineDecay({ initialLearningRate: 0, decaySteps: 1000, alpha: 0, ...warmup });
    /// [rate.at(50), rate.at(100)]; // [0.05, 0.1]
    /// ```
    CosineDecay(cosine_decay), name: "CosineDecay" after alpha;
    /// Learning rate at step 0.
    initial_learning_rate: Number;
    /// Steps of the cosine; above 0.
    decay_steps: Positive;
    /// Smallest learning rate, as a fraction of the largest.
    alpha: Number = 0.0;
    /// Learning rate at the end of the warm-up; `null`: no warm-up.
    warmup_target: OptionalNumber;
    /// Steps of the warm-up.
    warmup_steps: Number = 0.0;
}

impl CosineDecay {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let (initial, steps) = (self.initial_learning_rate as f32, self.decay_steps as f32);
        let Some(target) = self.warmup_target else {
            return self.decay(minimum(step, steps), steps, initial);
        };
        let (target, warmup) = (target as f32, self.warmup_steps as f32);
        let step = minimum(step, steps + warmup);
        if step < warmup {
            (target - initial) * (step / warmup) + initial
        } else {
            self.decay(step - warmup, steps, target)
        }
    }

    fn decay(&self, step: f32, steps: f32, from: f32) -> f32 {
        let cosine = 0.5 * one_plus_cosine(step / steps);
        // 1-α is subtracted in float64 and then rounded, unlike in CosineDecayRestarts.
        from * ((1.0 - self.alpha) as f32 * cosine + self.alpha as f32)
    }
}
