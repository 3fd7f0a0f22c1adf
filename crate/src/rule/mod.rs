//! **Start here**: Keras' RMSprop as formulas, one file each, for one number (or four: [`Lanes`](crate::arith::lanes::Lanes)).
//! The loops that carry them over arrays are in `step`.
//!
//! Keras 3.15.1. Each operation of a formula is one float32 operation, rounded to nearest, in the order written, never fused.
//! Hyper-parameters are float64, as in Python; each is rounded to float32 where it meets an array.

pub mod accumulate;
pub mod clip;
pub mod ema;
pub mod loss_scale;
pub mod rmsprop;
pub mod weight_decay;
