//! One step over all variables, from the call down to the fused loops.

pub mod fused;
pub mod optimizer;
pub mod slots;
pub mod subnormal_update;
pub mod variable;
