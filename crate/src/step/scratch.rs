//! Blocks, and memory for the gradients of one.

use crate::arith::group::{Group, group_count};
use crate::arith::pairwise_sum::RUN;
use bytemuck::Zeroable;

/// Groups of a block: 128 elements, a run of NumPy's sum.
pub const BLOCK: usize = group_count(RUN);

/// Groups of a block whose gradients are scaled or clipped in loops of their own: 64 elements. A processor that works out of
/// order is then still busy with the roots and divisions of one block, the bottleneck, when it begins the next: with clipping by
/// norms, blocks of 128 are 1.04× slower.
pub const UNFUSED_BLOCK: usize = BLOCK / 2;

/// Memory for one block of gradients at each of its stages. One object, so that the compiler knows that it is none of the
/// model's arrays.
#[derive(Debug, Zeroable)]
pub struct Scratch {
    /// Divided by the loss scale, and averaged.
    pub scaled: [Group; BLOCK],
    /// Clipped. The length is constant, so the compiler can unroll loops over it: 1.12× faster with clipping by value.
    pub clipped: [Group; UNFUSED_BLOCK],
    /// Clipped by way of float64.
    pub clipped_via_f64: [Group; BLOCK],
    /// Widened from 16 bits.
    pub widened: [Group; BLOCK],
    /// With coupled weight decay in them.
    pub penalized: [Group; BLOCK],
}
