//! Arrays as groups of eight elements: loops over them have no remainders.
//!
//! A group is eight elements: two SIMD registers, because with one, a loop of cheap operations runs at half speed. NumPy's
//! pairwise sum cuts at multiples of eight, so no cut divides a group. The JavaScript form has no registers to fill: there, a
//! group is one element.
//!
//! Every array has room for its last group (`buffer.rs`), so a loop may compute on the elements behind the end, which nobody
//! reads. That leaves one loop per stage where there would be two, and a tensor of 5 elements takes as long as one of 8
//! instead of twice as long.

use crate::arith::lanes::{Number, places};
use bytemuck::{must_cast_slice, must_cast_slice_mut};

pub use crate::platform::{Group, SIMD, WIDTH};

/// Groups that hold `len` elements.
#[inline]
pub const fn groups(len: usize) -> usize {
    len.div_ceil(WIDTH)
}

/// The elements of groups: as many as a multiple of the width, as the compiler sees.
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
pub fn apply<N: Number>(x: &mut [Group], operation: impl Fn(N) -> N) {
    let (x, way) = (flat_mut(x), N::way());
    for i in places::<N>(x.len()) {
        operation(N::read(x, i, way)).write(x, i);
    }
}

/// `x ← operation(x, y)`
#[inline]
pub fn apply_with<N: Number>(x: &mut [Group], y: &[Group], operation: impl Fn(N, N) -> N) {
    let (x, y, way) = (flat_mut(&mut x[..y.len()]), flat(y), N::way());
    for i in places::<N>(x.len()) {
        operation(N::read(x, i, way), N::read(y, i, way)).write(x, i);
    }
}

/// `out ← operation(x)`, as much of `out` as there is of `x`.
#[inline]
pub fn map_into<'a, N: Number>(out: &'a mut [Group], x: &[Group], operation: impl Fn(N) -> N) -> &'a mut [Group] {
    let out = &mut out[..x.len()];
    let (to, x, way) = (flat_mut(out), flat(x), N::way());
    for i in places::<N>(to.len()) {
        operation(N::read(x, i, way)).write(to, i);
    }
    out
}

/// These elements in groups, with zeros behind them, as arrays have.
#[cfg(test)]
pub fn grouped(x: &[f32]) -> alloc::vec::Vec<Group> {
    let mut buffer = crate::memory::buffer::Buffer::zeroed(x.len()).unwrap_or_else(|_| unreachable!());
    buffer.as_mut_slice().copy_from_slice(x);
    buffer.groups().to_vec()
}
