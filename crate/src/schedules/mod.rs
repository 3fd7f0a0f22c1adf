//! Keras' learning-rate schedules, one a file: the parameters, and the formula as a function of the step.
//!
//! Keras 3.15.1, `optimizers/schedules/learning_rate_schedule.py`. Parameters are rounded to float32 when they are used, each
//! operation is one float32 operation, and `pow`, `cos` and `log` are evaluated in float64 and rounded once. They come from
//! `libm` and `cosine.rs`, in Rust: no two engines differ in a bit. (`PiecewiseConstantDecay` computes nothing: it is a
//! look-up, and lives in TypeScript.)
//!
//! A step is the number of calls of an optimizer before this one, also of those that only accumulated
//! ([`raw_iterations`](crate::Optimizer::raw_iterations)): Keras has float32s there, which are exact up to 2²⁴.

mod cosine;
mod cosine_decay;
mod cosine_decay_restarts;
mod definition;
mod exponential_decay;
mod functions;
mod inverse_time_decay;
mod polynomial_decay;

pub use cosine_decay::CosineDecay;
pub use cosine_decay_restarts::CosineDecayRestarts;
pub use definition::{Definition, Kind, Parameter};
pub use exponential_decay::ExponentialDecay;
pub use inverse_time_decay::InverseTimeDecay;
pub use polynomial_decay::PolynomialDecay;

/// All schedules. One that is listed here has its TypeScript class.
pub const SCHEDULES: &[Definition] = &[
    ExponentialDecay::DEFINITION,
    InverseTimeDecay::DEFINITION,
    PolynomialDecay::DEFINITION,
    CosineDecay::DEFINITION,
    CosineDecayRestarts::DEFINITION,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// 1-α is subtracted in float64 in one cosine and in float32 in the other; for α = 0.9 the bits differ.
    #[test]
    fn one_minus_alpha_is_rounded_where_keras_rounds_it() {
        let alpha = 0.9;
        let decay =
            CosineDecay { initial_learning_rate: 1.0, decay_steps: 1.0, alpha, warmup_target: None, warmup_steps: 0.0 };
        let restarts =
            CosineDecayRestarts { initial_learning_rate: 1.0, first_decay_steps: 1.0, t_mul: 1.0, m_mul: 1.0, alpha };
        // cos(π/64): near the top of the cosine the difference shows in the last bit.
        assert_eq!(decay.at(0.015_625).to_bits(), 0x3f7f_fc0d);
        assert_eq!(restarts.at(0.015_625).to_bits(), 0x3f7f_fc0e);
    }
}
