//! Fallible allocations: float32 arrays in whole groups, aligned for SIMD, and vectors with room.

use crate::arith::group::{Group, flat, flat_mut, group_count};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytemuck::allocation::try_zeroed_slice_box;
use core::{error::Error, fmt};

/// The allocator refused; nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfMemory;

impl fmt::Display for OutOfMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("out of memory")
    }
}

impl Error for OutOfMemory {}

/// An empty vector with room for `len`.
pub fn reserved<T>(len: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| OutOfMemory)?;
    Ok(vector)
}

/// A zero-filled float32 array in whole groups.
#[derive(Debug)]
pub struct Buffer {
    groups: Box<[Group]>,
    len: usize,
}

impl Buffer {
    /// `len` zeros.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the allocator has no room for them.
    #[inline(never)]
    pub fn zeroed(len: usize) -> Result<Self, OutOfMemory> {
        let zeros = try_zeroed_slice_box(group_count(len)).map_err(|()| OutOfMemory)?;
        Ok(Self { groups: zeros, len })
    }

    /// Bytes of memory that an array of `len` takes; `None` if that is more than can be addressed.
    pub fn bytes(len: usize) -> Option<usize> {
        // The allocator adds at most 32 bytes of its own, and the alignment costs up to its size.
        group_count(len).checked_mul(size_of::<Group>())?.checked_add(32 + align_of::<Group>())
    }

    /// The array.
    #[inline]
    pub fn as_slice(&self) -> &[f32] {
        &flat(&self.groups)[..self.len]
    }

    /// The array, to write to.
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        &mut flat_mut(&mut self.groups)[..self.len]
    }

    /// Sets all elements of the array to a number. What is behind them stays 0, which never becomes subnormal.
    #[inline(never)]
    pub fn fill(&mut self, number: f32) {
        for x in self.as_mut_slice() {
            // Hidden from the compiler, which would write a loop of 0.3 kB.
            *x = core::hint::black_box(number);
        }
    }

    /// The array in groups.
    #[inline]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// The array in groups, to write to.
    #[inline]
    pub fn groups_mut(&mut self) -> &mut [Group] {
        &mut self.groups
    }
}

impl AsMut<[Group]> for Buffer {
    #[inline]
    fn as_mut(&mut self) -> &mut [Group] {
        self.groups_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_zero() {
        for len in [0, 1, 15, 16, 17, 1000] {
            let buffer = Buffer::zeroed(len).unwrap();
            assert_eq!(buffer.as_slice(), vec![0.0; len]);
            assert_eq!(buffer.as_slice().as_ptr() as usize % align_of::<Group>(), 0);
        }
    }

    #[test]
    fn too_large_a_buffer_is_an_error() {
        assert_eq!(Buffer::zeroed(usize::MAX).err(), Some(OutOfMemory));
        assert_eq!(Buffer::zeroed(usize::MAX / 8).err(), Some(OutOfMemory));
    }
}
