//! Slot map: objects by generational handle.

use crate::memory::buffer::OutOfMemory;
use alloc::vec::Vec;

/// Names an object in a [`SlotMap`]: an index and a generation in one `u32`, so it crosses the boundary as a number. Never 0,
/// and never used again after its object is removed.
pub type Handle = u32;

const INDEX_BITS: u32 = 20;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;
const LAST_GENERATION: u32 = u32::MAX >> INDEX_BITS;

/// No index: more than a handle can hold.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
enum Occupancy<T> {
    Occupied(T),
    /// Free for another object; the index of the next vacant entry, or [`NONE`].
    Vacant(u32),
}

#[derive(Debug)]
struct Entry<T> {
    /// Counts the objects this entry has held: a stale handle finds nothing instead of a newer object.
    generation: u32,
    occupancy: Occupancy<T>,
}

/// Up to 2²⁰ objects by [`Handle`]. An entry is retired when its 4,095 generations are used up.
#[derive(Debug)]
pub struct SlotMap<T> {
    entries: Vec<Entry<T>>,
    /// The first index of the list of vacant entries.
    first_vacant: u32,
    removed: u32,
}

impl<T> Default for SlotMap<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> SlotMap<T> {
    /// Bytes of memory that an object takes here, at most: while a full table moves to one of twice its size there are three
    /// entries per object.
    pub const BYTES_PER_OBJECT: usize = 3 * size_of::<Entry<T>>();

    /// An empty map.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), first_vacant: NONE, removed: 0 }
    }

    /// Takes `object` in and returns its handle.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the table cannot grow.
    pub fn insert(&mut self, object: T) -> Result<Handle, OutOfMemory> {
        if let Some(entry) = self.entries.get_mut(self.first_vacant as usize)
            && let Occupancy::Vacant(next) = entry.occupancy
        {
            let index = core::mem::replace(&mut self.first_vacant, next);
            entry.occupancy = Occupancy::Occupied(object);
            return Ok(entry.generation << INDEX_BITS | index);
        }
        let index = self.entries.len() as u32;
        if index > INDEX_MASK {
            return Err(OutOfMemory);
        }
        self.entries.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.entries.push(Entry { generation: 1, occupancy: Occupancy::Occupied(object) });
        Ok(1 << INDEX_BITS | index)
    }

    /// The object behind `handle`, if it was not removed.
    #[inline]
    pub fn get(&self, handle: Handle) -> Option<&T> {
        match self.entries.get(Self::index(handle))? {
            Entry { generation, occupancy: Occupancy::Occupied(object) } if *generation == handle >> INDEX_BITS => {
                Some(object)
            }
            _ => None,
        }
    }

    /// The object behind `handle`, to change, if it was not removed.
    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        match self.entries.get_mut(Self::index(handle))? {
            Entry { generation, occupancy: Occupancy::Occupied(object) } if *generation == handle >> INDEX_BITS => {
                Some(object)
            }
            _ => None,
        }
    }

    /// How many objects were removed so far: as long as this stays, all handles found once are still valid. It does not wrap
    /// around, because there are fewer than 2³² handles.
    #[inline]
    pub fn removed(&self) -> u32 {
        self.removed
    }

    /// The index within a handle: no two objects share it at one time.
    #[inline]
    pub fn index(handle: Handle) -> usize {
        (handle & INDEX_MASK) as usize
    }

    /// More than any index in use.
    pub fn indices_end(&self) -> usize {
        self.entries.len()
    }

    /// Removes the object behind `handle`, if it was not removed before. Never allocates.
    pub fn remove(&mut self, handle: Handle) -> Option<T> {
        self.get(handle)?;
        let entry = self.entries.get_mut(Self::index(handle))?;
        let next = if entry.generation < LAST_GENERATION {
            entry.generation += 1;
            core::mem::replace(&mut self.first_vacant, handle & INDEX_MASK)
        } else {
            NONE
        };
        match core::mem::replace(&mut entry.occupancy, Occupancy::Vacant(next)) {
            Occupancy::Occupied(object) => {
                self.removed += 1;
                Some(object)
            }
            Occupancy::Vacant(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_entry_is_retired_rather_than_a_handle_repeated() {
        let mut slot_map = SlotMap::new();
        let mut seen = std::collections::HashSet::new();
        for number in 0..10_000 {
            let handle = slot_map.insert(number).unwrap();
            assert!(handle != 0 && seen.insert(handle));
            assert_eq!(slot_map.remove(handle), Some(number));
        }
    }

    proptest! {
        /// Random inserts and removes behave as a map from handles to objects does.
        #[test]
        fn slot_map_is_a_map(operations in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..200)) {
            let mut slot_map = SlotMap::new();
            let mut model = std::collections::BTreeMap::new();
            let mut handles = Vec::new();
            let mut removed = 0;
            for (number, (insert, which)) in operations.into_iter().enumerate() {
                if insert || handles.is_empty() {
                    let handle = slot_map.insert(number).unwrap();
                    prop_assert!(model.insert(handle, number).is_none());
                    handles.push(handle);
                } else {
                    let handle = handles[which.index(handles.len())];
                    removed += u32::from(model.contains_key(&handle));
                    prop_assert_eq!(slot_map.remove(handle), model.remove(&handle));
                }
                prop_assert_eq!(slot_map.removed(), removed);
                for &handle in &handles {
                    prop_assert_eq!(slot_map.get(handle), model.get(&handle));
                    prop_assert_eq!(slot_map.get_mut(handle).copied(), model.get(&handle).copied());
                }
            }
        }
    }
}
