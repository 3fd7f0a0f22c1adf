//! The one thing we do better than Keras: in `centered`, velocity - average² + epsilon can round to 0 or below, where
//! Keras makes `NaN` of finite input and we take epsilon.
//!
//! Which elements that concerns follows from the state alone. With those replaced by Keras' `NaN`, all else is equal.

use crate::check::{Check, equal};
use rmsprop::{Optimizer, Slot};

/// The only recorded case in which it happens.
const CASE: &str = "centered-const-nan";

/// The elements that are `NaN` in Keras and not here.
pub struct Cancellation {
    happens: bool,
    /// For each variable.
    cancelled: Vec<Vec<bool>>,
}

impl Cancellation {
    pub fn new(id: &str, sizes: impl Iterator<Item = usize>) -> Self {
        Self { happens: id == CASE, cancelled: sizes.map(|size| vec![false; size]).collect() }
    }

    /// Finds the denominators that were 0 or below in the step just done.
    pub fn observe(&mut self, optimizer: &Optimizer) -> Check {
        if !self.happens {
            return Ok(());
        }
        let epsilon = optimizer.hyperparameters().epsilon as f32;
        for (i, cancelled) in self.cancelled.iter_mut().enumerate() {
            let (velocity, average) = (
                optimizer.slot(Slot::Velocity, i).expect("velocity"),
                optimizer.slot(Slot::AverageGradient, i).expect("average"),
            );
            for ((cancelled, &v), &a) in cancelled.iter_mut().zip(velocity).zip(average) {
                let denominator = (v - a * a) + epsilon;
                // 0 would be infinity in Keras, which is not what this case is about.
                equal("denominator is 0", denominator == 0.0, false)?;
                *cancelled |= denominator < 0.0;
            }
        }
        Ok(())
    }

    /// What Keras has where we have `ours`, the value of variable number `i`; ours is finite.
    pub fn of_keras(&self, i: usize, ours: &[f32]) -> Result<Vec<f32>, String> {
        if self.happens && !ours.iter().all(|w| w.is_finite()) {
            return Err(format!("variable {i} is not finite: {ours:?}"));
        }
        let elements = ours.iter().zip(&self.cancelled[i]);
        Ok(elements.map(|(&w, &cancelled)| if cancelled { f32::NAN } else { w }).collect())
    }

    /// It happened where it should.
    pub fn check_end(&self) -> Check {
        let any = self.cancelled.iter().flatten().any(|&cancelled| cancelled);
        equal("a denominator was 0 or below", any, self.happens)
    }
}
