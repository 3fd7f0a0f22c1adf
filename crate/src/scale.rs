//! Dynamic loss scaling (Keras: `LossScaleOptimizer`; P. Micikevicius et al., *Mixed Precision Training*, 2018).

/// The scale and the rule by which it moves.
#[derive(Clone, Debug)]
pub struct LossScale {
    /// What the loss, and so the gradients, are multiplied by.
    pub scale: f32,
    /// Finite steps since the scale last changed.
    pub counter: i32,
    growth_steps: i32,
    minimum: f32,
    maximum: f32,
}

impl LossScale {
    /// A scale that doubles after `growth_steps` finite steps in a row (never, if that is 0 or less) and halves after a
    /// step with a non-finite gradient, within `[minimum, maximum]`. Keras has no bounds: there, `0` and infinity.
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

/// Whether no element is infinite or `NaN`. Works on the exponent bits, without a branch per element.
pub fn all_finite(gradient: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    gradient.iter().fold(true, |finite, g| finite & (g.to_bits() & EXPONENT != EXPONENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn all_finite_is_what_it_says(bits in prop::collection::vec(any::<u32>(), 0..40)) {
            let floats: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            prop_assert_eq!(all_finite(&floats), floats.iter().all(|g| g.is_finite()));
        }
    }
}
