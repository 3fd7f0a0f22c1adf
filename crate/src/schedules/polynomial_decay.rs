//! Keras' `PolynomialDecay`.

use super::definition::schedule;
use super::functions::{minimum, pow};

schedule! {
    /// `(initialLearningRate - endLearningRate) * (1 - step / decaySteps) ** power + endLearningRate`, up to `decaySteps`
    ///
    /// ```ts
    /// const end = { endLearningRate: 0, power: 2, cycle: false };
    /// const rate = new PolynomialDecay({ initialLearningRate: 0.1, decaySteps: 1000, ...end });
    /// rate.at(500); // 0.025
    /// ```
    PolynomialDecay(polynomial_decay), name: "PolynomialDecay";
    /// Learning rate at step 0.
    initial_learning_rate: Number;
    /// Steps until the end is reached; above 0.
    decay_steps: Positive;
    /// Learning rate at the end.
    end_learning_rate: Number = 0.0001;
    /// Power of the polynomial; 1 is linear.
    power: Number = 1.0;
    /// Stretch `decaySteps` to its next multiple instead of staying at the end.
    cycle: Flag;
}

impl PolynomialDecay {
    /// The learning rate at `step`.
    pub fn at(&self, step: f32) -> f32 {
        let steps = self.decay_steps as f32;
        let (step, steps) = if self.cycle {
            let cycles = if step == 0.0 { 1.0 } else { libm::ceilf(step / steps) };
            (step, steps * cycles)
        } else {
            (minimum(step, steps), steps)
        };
        let (initial, end) = (self.initial_learning_rate as f32, self.end_learning_rate as f32);
        (initial - end) * pow(1.0 - step / steps, self.power as f32) + end
    }
}
