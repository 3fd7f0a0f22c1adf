//! Dynamic loss scaling (P. Micikevicius et al., *Mixed Precision Training*, 2018).
//!
//! Keras 3.15.1, `optimizers/loss_scale_optimizer.py`, `_stateful_handle_finite_grads` and
//! `_stateful_handle_non_finite_grads`.

/// The scale, and the rule that moves it.
#[derive(Clone, Debug)]
pub struct LossScale {
    /// What the loss, and with it the gradients, is multiplied by (Keras: `dynamic_scale`).
    pub scale: f32,
    /// Finite steps since the scale last changed (Keras: `step_counter`).
    pub counter: i32,
    growth_steps: i32,
    minimum: f32,
    maximum: f32,
}

impl LossScale {
    /// A scale that doubles after `growth_steps` finite steps in a row (never, if that is 0 or less) and halves after a
    /// step with a non-finite gradient, within `[minimum, maximum]`. Keras has no bounds: `0` and infinity there.
    pub fn new(initial: f32, growth_steps: i32, minimum: f32, maximum: f32) -> Self {
        Self { scale: initial, counter: 0, growth_steps, minimum, maximum }
    }

    /// Moves the scale after a step whose gradients were all finite, or not.
    pub fn record(&mut self, finite: bool) {
        if !finite {
            self.counter = 0;
            self.scale = (self.scale * 0.5).max(self.minimum);
        } else if self.counter == self.growth_steps.saturating_sub(1) {
            self.counter = 0;
            self.scale = (self.scale * 2.0).min(self.maximum);
        } else {
            self.counter = self.counter.wrapping_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_and_halves_within_its_bounds() {
        let mut scale = LossScale::new(4.0, 2, 1.0, 8.0);
        let mut seen = Vec::new();
        for finite in [true, true, true, true, false, false, false, false, true] {
            scale.record(finite);
            seen.push((scale.scale, scale.counter));
        }
        assert_eq!(seen, [(4., 1), (8., 0), (8., 1), (8., 0), (4., 0), (2., 0), (1., 0), (1., 0), (1., 1)]);
    }
}
