//! The WebAssembly module: what it exports, and what its functions report.

#[cfg(target_arch = "wasm32")]
mod exports;
pub mod status;
#[cfg(all(target_arch = "wasm32", feature = "threads"))]
mod thread_exports;
