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
//! The rooms of the house, from the middle outwards:
//!
//! | module | job |
//! |---|---|
//! | `update` | the update rule, as the formula |
//! | `accumulate`, `clip`, `decay`, `average`, `scale` | what happens to gradients before it, and to values around it |
//! | `block` | the loops that carry it over a block |
//! | `number` | what formulas compute with: one float32, or four that are computed carefully |
//! | `careful` | the block next to 0, and what tells it |
//! | `sum` | sums in NumPy's order |
//! | `lanes` | arrays as groups of eight elements |
//! | `subnormal` | numbers too small for the processor's fast path |
//! | `optimizer` | one step, in Keras' order; counters and state |
//! | `optimizer::stages` | what a step does to one variable, block by block |
//! | `optimizer::slots` | which state is kept for a variable |
//! | `gradient`, `half` | gradients in memory, also of 16 bits |
//! | [`schedule`], `cosine` | learning rates as functions of the step |
//! | [`config`] | hyper-parameters: names, defaults, limits, said once |
//! | `variable`, `buffer`, `arena` | memory |
//! | [`status`] | what an exported function reports |
//! | `machine` | what the standard library would bring; a step in chunks, for several threads (feature `threads`) |
//! | `abi` | the functions exported from the WebAssembly module |
//!
//! All `unsafe` is in `machine`: what the language asks it for, and the pointers by which threads write to disjoint parts
//! of the same arrays. The modules without threads are built without those.

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
pub use memory::slot_map::{Arena, Handle};
pub use memory::variable::{Freed, Variable, Variables};
pub use rule::clip::Clip;
pub use rule::loss_scale::LossScale;
pub use step::optimizer::{BuildError, Call, Optimizer};
pub use step::slots::Slot;
#[cfg(any(feature = "threads", test))]
pub use threads::shared as parts;
pub use wasm::status;
