//! A step in chunks, for several threads.

pub mod chunked_step;
pub mod plan;
pub mod shared;
#[cfg(test)]
mod tests;
