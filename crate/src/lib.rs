//! Keras' `RMSprop`, bit for bit: hyper-parameters, state, one step over all variables, and learning-rate schedules.
//!
//! ```
//! use rmsprop::{Hyperparameters, Optimizer, Variable, Variables};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut variables = Variables::new();
//! let w = variables.insert(Variable::new(&[10.0])?)?;
//! let mut optimizer = Optimizer::build(Hyperparameters::default(), &[w], &variables)?;
//!
//! // The loss w²/2 has the gradient w: the example in the documentation of Keras.
//! if let Some(w) = variables.get_mut(w) {
//!     w.gradient_mut()[0] = 10.0;
//! }
//! optimizer.step(&mut variables, 0.1)?;
//! assert_eq!(variables.get(w).map(|w| w.value()[0]), Some(9.683772));
//! # Ok(())
//! # }
//! ```
//!
//! To understand it, start with `rule`: Keras' formulas, one a file. The modules, from the bottom to the top; each uses only
//! those above it in this table:
//!
//! | module | job |
//! |---|---|
//! | `platform` | what the standard library would bring: square root, allocator, panic handler, global |
//! | [`config`] | the table of hyper-parameters: names, defaults, limits |
//! | `arith` | numbers and arrays: groups of eight, float32 by way of float64, 16 bits, NumPy's sum |
//! | `rule` | **start here**: RMSprop, weight decay, clipping, accumulation, the average, the loss scale |
//! | [`schedules`] | learning rates as functions of the step |
//! | `memory` | aligned arrays, variables and their gradients, objects by handle |
//! | `step` | one call over all variables, down to the fused loops |
//! | `threads` | the same step in chunks, for several threads (feature `threads`) |
//! | `wasm` | the functions exported from the WebAssembly module, and their [`status`] |
//!
//! `unsafe` is in two files: `platform.rs`, for what the language asks, and `threads/shared.rs`, for the pointers by which
//! threads write to disjoint ranges of the same arrays. The module without threads is built without the latter.

#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

mod arith;
pub mod config;
mod memory;
mod platform;
mod rule;
pub mod schedules;
mod step;
#[cfg(test)]
mod testing;
#[cfg(any(feature = "threads", test))]
mod threads;
mod wasm;

pub use config::Hyperparameters;
pub use memory::buffer::OutOfMemory;
pub use memory::gradient::GradientDtype;
pub use memory::slot_map::{Handle, SlotMap};
pub use memory::variable::{Freed, Variable, Variables};
pub use rule::loss_scale::LossScale;
pub use step::call::Call;
pub use step::last_step::{LastStep, Outcome};
pub use step::optimizer::Optimizer;
pub use step::overrides::Override;
pub use step::slots::Slot;
pub use step::state::BuildError;
#[cfg(any(feature = "threads", test))]
pub use threads::{chunked_step::Phase, plan::ChunkPlan, shared::SharedStep};
pub use wasm::status;
