//! Memory: aligned arrays, and objects by handle.

pub mod buffer;
pub mod gradient;
pub mod gradient_view;
pub mod slot_map;
pub mod variable;
