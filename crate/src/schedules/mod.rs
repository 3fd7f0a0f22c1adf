//! Learning rates as functions of the step.

mod cosine;
mod keras;

pub use keras::{CosineDecay, CosineDecayRestarts, ExponentialDecay, InverseTimeDecay, PolynomialDecay};
