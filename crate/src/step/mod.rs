//! One step over all variables. Downwards: `optimizer` (state, one method per kind of call), `call` (what a call does to
//! variables), `variable` (one variable's step), `fused` (the loops), and from there the formulas in `rule`.

pub mod arrays;
pub mod call;
pub mod fused;
pub mod gradient_scaling;
pub mod last_step;
pub mod norms;
pub mod optimizer;
pub mod overrides;
pub mod scratch;
pub mod slots;
pub mod state;
pub mod subnormal_update;
#[cfg(test)]
mod tests;
pub mod unfused;
pub mod variable;
