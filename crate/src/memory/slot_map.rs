//! The tables that give objects the numbers by which the host knows them.

use crate::memory::buffer::OutOfMemory;
use alloc::vec::Vec;

/// The number of an object in an [`Arena`]: never 0, and not used again after its object is removed.
pub type Handle = u32;

const INDEX_BITS: u32 = 20;
const INDEX_MASK: u32 = (1 << INDEX_BITS) - 1;
const LAST_GENERATION: u32 = u32::MAX >> INDEX_BITS;

/// No place: more than a handle can name.
const NOWHERE: u32 = u32::MAX;

#[derive(Debug)]
enum Content<T> {
    Object(T),
    /// A place that can be used again, and the next such place; together they are a list.
    Vacant(u32),
}

#[derive(Debug)]
struct Entry<T> {
    /// Counts the objects this place has held, so that a stale handle finds nothing rather than a stranger.
    generation: u32,
    content: Content<T>,
}

/// A table of up to 2²⁰ objects by [`Handle`]. A handle is a place and a generation in one `u32`, so it crosses the
/// boundary as a number; a place is retired when its 4,095 generations are used up.
#[derive(Debug)]
pub struct Arena<T> {
    entries: Vec<Entry<T>>,
    /// The first place of the list of vacant ones.
    vacant: u32,
    /// Objects taken out so far.
    removed: u32,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Arena<T> {
    /// Bytes of memory that an object takes in the table, at most: when a full table moves to one of twice its size,
    /// there are three places per object.
    pub const PLACE: usize = 3 * size_of::<Entry<T>>();

    /// An empty table.
    pub const fn new() -> Self {
        Self { entries: Vec::new(), vacant: NOWHERE, removed: 0 }
    }

    /// Takes `object` in and gives its handle.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the table cannot grow.
    pub fn insert(&mut self, object: T) -> Result<Handle, OutOfMemory> {
        if let Some(entry) = self.entries.get_mut(self.vacant as usize)
            && let Content::Vacant(next) = entry.content
        {
            let place = core::mem::replace(&mut self.vacant, next);
            entry.content = Content::Object(object);
            return Ok(entry.generation << INDEX_BITS | place);
        }
        let place = self.entries.len() as u32;
        if place > INDEX_MASK {
            return Err(OutOfMemory);
        }
        self.entries.try_reserve(1).map_err(|_| OutOfMemory)?;
        self.entries.push(Entry { generation: 1, content: Content::Object(object) });
        Ok(1 << INDEX_BITS | place)
    }

    /// The object behind `handle`, if it is still there.
    #[inline]
    pub fn get(&self, handle: Handle) -> Option<&T> {
        match self.entries.get((handle & INDEX_MASK) as usize)? {
            Entry { generation, content: Content::Object(object) } if *generation == handle >> INDEX_BITS => {
                Some(object)
            }
            _ => None,
        }
    }

    /// The object behind `handle`, to change, if it is still there.
    #[inline]
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        match self.entries.get_mut((handle & INDEX_MASK) as usize)? {
            Entry { generation, content: Content::Object(object) } if *generation == handle >> INDEX_BITS => {
                Some(object)
            }
            _ => None,
        }
    }

    /// How many objects were taken out so far: as long as it stays, what was there is there. It does not wrap around,
    /// because there are fewer than 2³² handles.
    #[inline]
    pub fn removed(&self) -> u32 {
        self.removed
    }

    /// Takes the object behind `handle` out, if it is still there. Never allocates.
    pub fn remove(&mut self, handle: Handle) -> Option<T> {
        self.get(handle)?;
        let place = handle & INDEX_MASK;
        let entry = self.entries.get_mut(place as usize)?;
        let next = if entry.generation < LAST_GENERATION {
            entry.generation += 1;
            core::mem::replace(&mut self.vacant, place)
        } else {
            NOWHERE
        };
        match core::mem::replace(&mut entry.content, Content::Vacant(next)) {
            Content::Object(object) => {
                self.removed += 1;
                Some(object)
            }
            Content::Vacant(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_place_is_retired_rather_than_a_handle_repeated() {
        let mut arena = Arena::new();
        let mut seen = std::collections::HashSet::new();
        for turn in 0..10_000 {
            let handle = arena.insert(turn).unwrap();
            assert!(handle != 0 && seen.insert(handle));
            assert_eq!(arena.remove(handle), Some(turn));
        }
    }

    proptest! {
        /// Random inserts and removes behave as a map from handles to objects does.
        #[test]
        fn arena_is_a_map(operations in prop::collection::vec((any::<bool>(), any::<prop::sample::Index>()), 1..200)) {
            let mut arena = Arena::new();
            let mut model = std::collections::BTreeMap::new();
            let mut handles = Vec::new();
            let mut removed = 0;
            for (turn, (insert, which)) in operations.into_iter().enumerate() {
                if insert || handles.is_empty() {
                    let handle = arena.insert(turn).unwrap();
                    prop_assert!(model.insert(handle, turn).is_none());
                    handles.push(handle);
                } else {
                    let handle = handles[which.index(handles.len())];
                    removed += u32::from(model.contains_key(&handle));
                    prop_assert_eq!(arena.remove(handle), model.remove(&handle));
                }
                prop_assert_eq!(arena.removed(), removed);
                for &handle in &handles {
                    prop_assert_eq!(arena.get(handle), model.get(&handle));
                    prop_assert_eq!(arena.get_mut(handle).copied(), model.get(&handle).copied());
                }
            }
        }
    }
}
