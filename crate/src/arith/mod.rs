//! Numbers and arrays: what formulas are written for, and what loops run over.

pub mod decay;
pub mod divisor;
pub mod f32_via_f64;
pub mod group;
pub mod half;
pub mod lanes;
pub mod pairwise_sum;
pub mod stuck;
pub mod subnormal;
