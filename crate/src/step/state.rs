//! The state of an optimizer's variables: how it is made, and the memory that it takes.

use crate::arith::subnormal::SmallNumbers;
use crate::config::Hyperparameters;
use crate::memory::buffer::{Buffer, OutOfMemory, reserved};
use crate::memory::slot_map::Handle;
use crate::memory::variable::{Freed, Variable, Variables};
use crate::step::overrides::Override;
use crate::step::slots::{Slot, Slots};
use crate::step::variable::Tracked;
use alloc::vec::Vec;
use bytemuck::allocation::try_zeroed_vec;
use core::{error::Error, fmt};

/// Why an optimizer could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// No room for the state.
    OutOfMemory,
    /// A variable is not there (any more).
    Freed(Freed),
    /// The variable with this handle is listed twice.
    Duplicate(Handle),
}

impl From<OutOfMemory> for BuildError {
    fn from(_: OutOfMemory) -> Self {
        Self::OutOfMemory
    }
}

impl From<Freed> for BuildError {
    fn from(freed: Freed) -> Self {
        Self::Freed(freed)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => OutOfMemory.fmt(f),
            Self::Freed(freed) => freed.fmt(f),
            Self::Duplicate(handle) => write!(f, "variable {handle} is listed twice"),
        }
    }
}

impl Error for BuildError {}

/// The state kept for one variable.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "what a step reads of each variable is a byte each")]
pub(crate) struct State {
    pub variable: Handle,
    pub overwrite_with_gradient: bool,
    /// Within a call that selects variables and changes the others too: whether this one was among them.
    pub selected: bool,
    /// Whether the inlined loop may update it: there are no overrides, and the last step met no subnormal numbers. One byte for
    /// both: with two, steps of 1,000 tensors of 8 are 1.02× slower.
    pub may_inline: bool,
    /// [`Override::needs_own_settings`]
    pub has_own_settings: bool,
    pub tracked: Tracked,
    pub overrides: Override,
    pub slots: Slots<Option<Buffer>>,
}

impl State {
    fn new(hyperparameters: &Hyperparameters, handle: Handle, variable: &Variable) -> Result<Self, OutOfMemory> {
        let overwrite_with_gradient = variable.overwrite_with_gradient;
        let mut slots = [const { None }; Slot::ALL.len()];
        for (slot, kept) in Slot::ALL.into_iter().zip(&mut slots) {
            if slot.is_kept(hyperparameters, overwrite_with_gradient) {
                let mut buffer = Buffer::zeroed(variable.value().len())?;
                let first = slot.begins_at(hyperparameters).map_or(0.0, |(_, number)| number);
                if first != 0.0 {
                    buffer.fill(first as f32);
                }
                *kept = Some(buffer);
            }
        }
        Ok(Self {
            variable: handle,
            overwrite_with_gradient,
            selected: false,
            may_inline: true,
            has_own_settings: false,
            tracked: Tracked { decays: true, small: SmallNumbers::None },
            overrides: Override::NONE,
            slots: Slots::from(slots),
        })
    }

    /// Derives `may_inline` after its overrides were set or a scan was made.
    #[inline]
    pub fn refresh_may_inline(&mut self) {
        self.may_inline = !self.has_own_settings && self.tracked.small == SmallNumbers::None;
    }

    /// Whether steps leave the variable alone.
    #[inline]
    pub fn is_frozen(&self) -> bool {
        self.has_own_settings && !self.overrides.trainable
    }
}

/// The state of these variables at the beginning of a run.
pub(crate) fn first_states(
    hyperparameters: &Hyperparameters,
    handles: &[Handle],
    variables: &Variables,
) -> Result<Vec<State>, BuildError> {
    check_distinct(handles, variables)?;
    let mut states = reserved(handles.len())?;
    for &handle in handles {
        let variable = variables.get(handle).ok_or(Freed(handle))?;
        states.push(State::new(hyperparameters, handle, variable)?);
    }
    Ok(states)
}

/// No handle is listed twice: two threads may update two variables of an optimizer at once. In time linear in the lists.
fn check_distinct(handles: &[Handle], variables: &Variables) -> Result<(), BuildError> {
    let mut seen: Vec<u8> = try_zeroed_vec(variables.indices_end()).map_err(|()| OutOfMemory)?;
    for &handle in handles {
        variables.get(handle).ok_or(Freed(handle))?;
        if core::mem::replace(&mut seen[Variables::index(handle)], 1) != 0 {
            return Err(BuildError::Duplicate(handle));
        }
    }
    Ok(())
}

/// Bytes of memory that the state of these variables takes, at most, with `each` more for each of them.
pub(crate) fn bytes_of_states(
    hyperparameters: &Hyperparameters,
    handles: &[Handle],
    variables: &Variables,
    each: usize,
) -> Result<usize, BuildError> {
    handles.iter().try_fold(0_usize, |sum, &handle| {
        let variable = variables.get(handle).ok_or(Freed(handle))?;
        let kept = Slot::ALL
            .into_iter()
            .filter(|slot| slot.is_kept(hyperparameters, variable.overwrite_with_gradient))
            .count();
        let slots = Buffer::bytes(variable.value().len()).and_then(|bytes| bytes.checked_mul(kept));
        let sum = slots.and_then(|slots| sum.checked_add(slots)?.checked_add(size_of::<State>() + each));
        sum.ok_or(BuildError::OutOfMemory)
    })
}
