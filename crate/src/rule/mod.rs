//! Start here: Keras' RMSprop as formulas, one a file.

pub mod accumulate;
pub mod clip;
pub mod ema;
pub mod loss_scale;
pub mod rmsprop;
pub mod weight_decay;
