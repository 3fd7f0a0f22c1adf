//! What an exported function reports.

use crate::memory::buffer::OutOfMemory;
use crate::step::state::BuildError;

/// Outcome of an exported function, by its number at the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "bindings", derive(serde::Serialize, ts_rs::TS))]
#[cfg_attr(feature = "bindings", serde(rename_all = "camelCase"))]
pub enum Status {
    /// Done.
    Done,
    /// A gradient was not finite: nothing but the loss scale changed.
    Skipped,
    /// No room: nothing changed.
    OutOfMemory,
    /// A variable was freed: nothing changed.
    FreedVariable,
    /// There is no such object, row or index: nothing changed. The wrapper never lets this happen.
    NotFound,
    /// A variable is listed twice: nothing changed. The wrapper never lets this happen.
    DuplicateVariable,
    /// The count of calls is at `MAX_ITERATIONS`: nothing changed.
    IterationLimit,
}

/// The most calls that an optimizer counts here: Keras' counter is an int32, and so is that of files.
#[cfg(target_arch = "wasm32")]
pub const MAX_ITERATIONS: u32 = i32::MAX as u32;

impl Status {
    /// All codes, in order of their numbers.
    pub const ALL: [Self; 7] = [
        Self::Done,
        Self::Skipped,
        Self::OutOfMemory,
        Self::FreedVariable,
        Self::NotFound,
        Self::DuplicateVariable,
        Self::IterationLimit,
    ];

    /// The number at the boundary.
    pub fn code(self) -> u32 {
        self as u32
    }
}

impl From<BuildError> for Status {
    fn from(error: BuildError) -> Self {
        match error {
            BuildError::OutOfMemory => Self::OutOfMemory,
            BuildError::Freed(_) => Self::FreedVariable,
            BuildError::Duplicate(_) => Self::DuplicateVariable,
        }
    }
}

impl From<OutOfMemory> for Status {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}
