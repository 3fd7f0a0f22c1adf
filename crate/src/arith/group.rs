//! Arrays as groups of eight elements: loops over them have no remainders.
//!
//! A group is eight elements, two SIMD registers: with one, a loop of cheap operations runs at half speed. NumPy's pairwise
//! sum cuts at multiples of eight, so no cut divides a group. The JavaScript backend has no registers to fill: there, a
//! group is one element.
//!
//! Every array has room for its last group (`memory/buffer.rs`), so a loop may compute on the elements behind the end, which
//! nobody reads. Each stage is one loop instead of two, and a tensor of 5 elements takes as long as one of 8, not twice as
//! long.

use crate::arith::lanes::{Lanes, indices};
use bytemuck::{Pod, Zeroable, must_cast_slice, must_cast_slice_mut};

/// False in the JavaScript backend, which has no SIMD, computes in float64 and rounds, and is parsed whole before it runs: loops
/// that save time elsewhere save none there.
pub const SIMD: bool = cfg!(any(not(target_arch = "wasm32"), target_feature = "simd128"));

/// Elements of a group.
pub const WIDTH: usize = if SIMD { 8 } else { 1 };

/// The elements of one turn of a loop, aligned for SIMD: no access straddles a cache line.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
#[cfg_attr(any(not(target_arch = "wasm32"), target_feature = "simd128"), repr(align(32)))]
pub struct Group(pub [f32; WIDTH]);

impl Group {
    /// Zeros.
    pub const ZERO: Self = Self([0.0; WIDTH]);
}

/// Groups that hold `len` elements.
#[inline]
pub const fn group_count(len: usize) -> usize {
    len.div_ceil(WIDTH)
}

/// The elements of groups: the compiler sees that their number is a multiple of the width.
#[inline]
pub fn flat(x: &[Group]) -> &[f32] {
    must_cast_slice(x)
}

/// The elements of groups, to write to.
#[inline]
pub fn flat_mut(x: &mut [Group]) -> &mut [f32] {
    must_cast_slice_mut(x)
}

/// `x ← operation(x)`
#[inline]
pub fn update_each<L: Lanes>(x: &mut [Group], operation: impl Fn(L) -> L) {
    let (x, hidden) = (flat_mut(x), L::hide());
    for i in indices::<L>(x.len()) {
        operation(L::read(x, i, hidden)).write(x, i);
    }
}

/// `x ← operation(x, y)`
#[inline]
pub fn update_each_with<L: Lanes>(x: &mut [Group], y: &[Group], operation: impl Fn(L, L) -> L) {
    let (x, y, hidden) = (flat_mut(&mut x[..y.len()]), flat(y), L::hide());
    for i in indices::<L>(x.len()) {
        operation(L::read(x, i, hidden), L::read(y, i, hidden)).write(x, i);
    }
}

/// `out ← operation(x)`, and the part of `out` that was written.
#[inline]
pub fn map_into<'a, L: Lanes>(out: &'a mut [Group], x: &[Group], operation: impl Fn(L) -> L) -> &'a mut [Group] {
    let out = &mut out[..x.len()];
    let (to, x, hidden) = (flat_mut(out), flat(x), L::hide());
    for i in indices::<L>(to.len()) {
        operation(L::read(x, i, hidden)).write(to, i);
    }
    out
}

/// `out ← operation(x, y)`, and the part of `out` that was written.
#[inline]
pub fn zip_into<'a, L: Lanes>(
    out: &'a mut [Group],
    x: &[Group],
    y: &[Group],
    operation: impl Fn(L, L) -> L,
) -> &'a mut [Group] {
    let out = &mut out[..x.len()];
    let (to, x, y, hidden) = (flat_mut(out), flat(x), flat(&y[..x.len()]), L::hide());
    for i in indices::<L>(to.len()) {
        operation(L::read(x, i, hidden), L::read(y, i, hidden)).write(to, i);
    }
    out
}

/// These elements in groups, with zeros behind them.
#[cfg(test)]
pub fn grouped(x: &[f32]) -> alloc::vec::Vec<Group> {
    let mut out = vec![Group::ZERO; group_count(x.len())];
    flat_mut(&mut out)[..x.len()].copy_from_slice(x);
    out
}
