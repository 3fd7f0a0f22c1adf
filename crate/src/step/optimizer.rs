//! An optimizer: its state, one array per variable and slot, and its steps over all variables.
//!
//! Keras 3.15.1, `optimizers/base_optimizer.py`, `apply`. A step first gathers what must be known before the first variable
//! changes, norms and finiteness, if they are asked for: only then is a gradient read twice. It then updates one variable after
//! another (`step/variable.rs`).

use crate::arith::subnormal::SmallNumbers;
use crate::config::Hyperparameters;
use crate::memory::buffer::{Buffer, OutOfMemory, reserved};
use crate::memory::slot_map::{Handle, SlotMap};
use crate::memory::variable::{Freed, Variables};
use crate::rule::clip::joint_norm;
use crate::rule::loss_scale::LossScale;
use crate::step::arrays::Arrays;
use crate::step::call::{Call, Settings};
use crate::step::fused::step_inlined;
use crate::step::last_step::{LastStep, Outcome};
use crate::step::norms::gradient_sum_of_squares;
use crate::step::overrides::{Override, restore};
use crate::step::scratch::Scratch;
use crate::step::slots::Slot;
use crate::step::state::{BuildError, State, bytes_of_states, first_states};
use crate::step::variable::{overwrite_with_gradient, scan_offset, step_variable, step_without_gradient};
use alloc::boxed::Box;
use alloc::vec::Vec;
use bytemuck::Zeroable;
use bytemuck::allocation::try_zeroed_box;

/// What does not move when a table of optimizers grows.
#[derive(Debug, Zeroable)]
struct Pinned {
    scratch: Scratch,
    last_step: LastStep,
}

/// Keras' RMSprop over a list of variables.
#[derive(Debug)]
pub struct Optimizer {
    hyperparameters: Hyperparameters,
    /// One for each variable, none of which is listed twice.
    pub(crate) states: Vec<State>,
    /// Whether it was built with accumulators.
    accumulates: bool,
    /// [`Variables::removed`] when all variables were last found.
    validated_at: u32,
    /// Calls so far (Keras: `_iterations`), which is more than updates when gradients are accumulated.
    pub(crate) raw_iterations: u32,
    selection: Vec<usize>,
    /// Sums of squares of the gradients of one call, in the order of the selection.
    pub(crate) sums_of_squares: Vec<f32>,
    pinned: Box<Pinned>,
    /// The joint norm of the last call's gradients; [`LastStep::UNKNOWN`] if it needed none.
    gradient_norm: f32,
    /// Whether the norm of the gradients is computed even if no option needs it.
    measures_norm: bool,
    /// Those of the last call.
    pub(crate) settings: Settings,
    /// Whether hyper-parameters were changed since.
    is_stale: bool,
}

impl Optimizer {
    /// An optimizer for these variables, with its state at zero, the velocity at `initial_velocity`. Its steps are to be given
    /// the same `variables`.
    ///
    /// # Errors
    /// [`BuildError`] if a variable is not there or listed twice, or there is no room for the state; nothing is changed then.
    pub fn build(
        hyperparameters: Hyperparameters,
        handles: &[Handle],
        variables: &Variables,
    ) -> Result<Self, BuildError> {
        let states = first_states(&hyperparameters, handles, variables)?;
        let pinned = try_zeroed_box().map_err(|()| OutOfMemory)?;
        let mut selection = reserved(handles.len())?;
        selection.extend(0..handles.len());
        Ok(Self {
            accumulates: Slot::GradientAccumulator.is_kept(&hyperparameters, false),
            settings: Settings::new(&hyperparameters, 1),
            is_stale: true,
            hyperparameters,
            states,
            validated_at: variables.removed(),
            raw_iterations: 0,
            selection,
            sums_of_squares: reserved(handles.len())?,
            pinned,
            gradient_norm: LastStep::UNKNOWN,
            measures_norm: false,
        })
    }

    /// Bytes of memory that an optimizer takes, at most, without the state of its variables.
    const FIXED_BYTES: usize = SlotMap::<Self>::BYTES_PER_OBJECT + size_of::<Pinned>();
    /// Bytes of memory that a variable takes, at most, beside its state: its entries in the selection and the sums, and in the list
    /// that the optimizer is built from, which may have doubled.
    const BYTES_PER_VARIABLE: usize = 4 * size_of::<usize>();

    /// Bytes of memory that [`build`](Self::build) will take for these variables, at most.
    ///
    /// # Errors
    /// [`BuildError`] if a variable is not there, or the state is larger than can be addressed.
    pub fn bytes(
        hyperparameters: &Hyperparameters,
        handles: &[Handle],
        variables: &Variables,
    ) -> Result<usize, BuildError> {
        let states = bytes_of_states(hyperparameters, handles, variables, Self::BYTES_PER_VARIABLE)?;
        states.checked_add(Self::FIXED_BYTES).ok_or(BuildError::OutOfMemory)
    }

    /// The hyper-parameters, read anew at every step.
    pub fn hyperparameters(&self) -> &Hyperparameters {
        &self.hyperparameters
    }

    /// The hyper-parameters, to change. State that was not built cannot be switched on later: momentum, centering and
    /// accumulation without their slots stay off.
    pub fn hyperparameters_mut(&mut self) -> &mut Hyperparameters {
        self.is_stale = true;
        &mut self.hyperparameters
    }

    /// Calls so far, including those that only accumulated.
    pub fn raw_iterations(&self) -> u32 {
        self.raw_iterations
    }

    /// Sets the count of calls, to resume or to undo a call. The host then restores the record of the call before.
    pub fn set_raw_iterations(&mut self, raw_iterations: u32) {
        self.raw_iterations = raw_iterations;
    }

    /// Updates so far (Keras: `iterations`).
    pub fn iterations(&self) -> u32 {
        self.raw_iterations / self.calls_per_update()
    }

    fn calls_per_update(&self) -> u32 {
        if self.accumulates { self.hyperparameters.steps_per_update() } else { 1 }
    }

    /// The state of the variable built as number `index`; `None` if the slot is not kept for it.
    pub fn slot(&self, slot: Slot, index: usize) -> Option<&[f32]> {
        self.states.get(index)?.slots.get(slot).as_ref().map(Buffer::as_slice)
    }

    /// The state of the variable built as number `index`, to change.
    pub fn slot_mut(&mut self, slot: Slot, index: usize) -> Option<&mut [f32]> {
        self.states.get_mut(index)?.slots.get_mut(slot).as_mut().map(Buffer::as_mut_slice)
    }

    /// Sets the overrides of the variable built as number `index`. `false` if there is no such variable.
    pub fn set_override(&mut self, index: usize, overrides: Override) -> bool {
        let Some(state) = self.states.get_mut(index) else { return false };
        state.tracked.decays = overrides.decays;
        state.has_own_settings = overrides.needs_own_settings();
        state.overrides = overrides;
        state.refresh_may_inline();
        true
    }

    /// Whether the norm of the gradients is computed from the next call on even if no option needs it: one more pass over them.
    pub fn measure_norm(&mut self, measures: bool) {
        self.measures_norm = measures;
    }

    /// What the last call that succeeded did. It stays at its address, and its outcome is `Outcome::None` before the first.
    pub fn last_step(&self) -> &LastStep {
        &self.pinned.last_step
    }

    /// Puts the variable built as number `index` at `position` of the next selection. The order matters to the last bit of a
    /// global norm. `false` if either number is out of range.
    pub fn select(&mut self, position: usize, index: usize) -> bool {
        match self.selection.get_mut(position) {
            Some(selected) if index < self.states.len() => {
                *selected = index;
                true
            }
            _ => false,
        }
    }

    /// One step with the gradients of all variables.
    ///
    /// # Errors
    /// [`Freed`] if a variable is not there any more; nothing is changed then.
    pub fn step(&mut self, variables: &mut Variables, learning_rate: f32) -> Result<(), Freed> {
        self.apply(variables, Call { learning_rate, loss_scale: None, selected: None })
    }

    /// One step. Nothing at all without gradients, as in Keras.
    ///
    /// # Errors
    /// [`Freed`] if a variable is not there any more; nothing is changed then.
    pub fn apply(&mut self, variables: &mut Variables, call: Call) -> Result<(), Freed> {
        self.apply_with(variables, None, call).map(drop)
    }

    /// One step under a dynamic loss scale: `Ok(false)`, and nothing but the scale changed, if some gradient was not
    /// finite.
    ///
    /// # Errors
    /// [`Freed`] if a variable is not there any more; nothing is changed then.
    pub fn apply_scaled(
        &mut self,
        variables: &mut Variables,
        scale: &mut LossScale,
        call: Call,
    ) -> Result<bool, Freed> {
        self.apply_with(variables, Some(scale), call)
    }

    /// One step, under a dynamic loss scale if there is one.
    #[inline]
    pub(crate) fn apply_with(
        &mut self,
        variables: &mut Variables,
        scale: Option<&mut LossScale>,
        call: Call,
    ) -> Result<bool, Freed> {
        self.validate(variables)?;
        let call = Call { loss_scale: scale.as_ref().map(|scale| scale.scale).or(call.loss_scale), ..call };
        let count = self.selected_count(call);
        if count == 0 && scale.is_none() {
            return Ok(true);
        }
        self.begin(call);
        self.sums_of_squares.clear();
        if self.needs_norms() {
            self.gather_sums(variables, call);
        }
        self.complete(call);
        let finite = scale.is_none() || self.gradients_are_finite(variables, call);
        if !finite {
            self.record(Outcome::Skipped, call);
        } else if count > 0 {
            self.update_variables(variables, call);
        }
        if let Some(scale) = scale {
            scale.record(finite);
        }
        Ok(finite)
    }

    /// Sets every variable to its average, for evaluation (Keras: `finalize_variable_values`). Does nothing without
    /// averages.
    ///
    /// # Errors
    /// [`Freed`] if a variable is not there any more; nothing is changed then.
    pub fn finalize(&mut self, variables: &mut Variables) -> Result<(), Freed> {
        self.validate(variables)?;
        for state in &self.states {
            if let (Some(average), Some(variable)) = (&state.slots.average, variables.get_mut(state.variable)) {
                variable.value_mut().copy_from_slice(average.as_slice());
            }
        }
        Ok(())
    }

    /// Whether the variables are all still there. Looked up only after some variable was removed: in every call it would make
    /// steps of 1,000 tensors of 8 1.2× slower, and of four small ones 1.03×.
    pub(crate) fn validate(&mut self, variables: &Variables) -> Result<(), Freed> {
        if self.validated_at == variables.removed() { Ok(()) } else { self.find_all(variables) }
    }

    #[cold]
    #[inline(never)]
    fn find_all(&mut self, variables: &Variables) -> Result<(), Freed> {
        if let Some(state) = self.states.iter().find(|state| variables.get(state.variable).is_none()) {
            return Err(Freed(state.variable));
        }
        self.validated_at = variables.removed();
        Ok(())
    }

    /// How many variables have gradients in this call.
    pub(crate) fn selected_count(&self, call: Call) -> usize {
        call.selected.unwrap_or(self.states.len()).min(self.states.len())
    }

    /// The index of the variable at `position` of the call's list.
    #[inline]
    pub(crate) fn selected_index(&self, call: Call, position: usize) -> usize {
        if call.selected.is_some() { self.selection[position] } else { position }
    }

    /// Makes the settings those of this call.
    #[inline]
    pub(crate) fn begin(&mut self, call: Call) {
        if self.is_stale {
            self.settings = Settings::new(&self.hyperparameters, self.calls_per_update());
            self.is_stale = false;
        }
        self.settings.begin(&self.hyperparameters, self.raw_iterations, call);
    }

    /// Whether the call needs sums of squares of its gradients.
    #[inline]
    pub(crate) fn needs_norms(&self) -> bool {
        self.settings.updates && (self.measures_norm || self.settings.clip_mode().needs_norms())
    }

    /// Sums up the squares of each gradient.
    #[inline(never)]
    fn gather_sums(&mut self, variables: &Variables, call: Call) {
        for position in 0..self.selected_count(call) {
            let state = &self.states[self.selected_index(call, position)];
            let Some(variable) = variables.get(state.variable) else { continue };
            if state.overwrite_with_gradient || state.is_frozen() {
                continue;
            }
            let accumulator = state.slots.gradient_accumulator.as_ref().map(Buffer::groups);
            self.sums_of_squares.push(gradient_sum_of_squares(
                self.settings.scaling,
                variable.gradient.view(),
                variable.value().len(),
                accumulator,
                state.tracked.small == SmallNumbers::Any,
                &mut self.pinned.scratch,
            ));
        }
    }

    /// Completes the settings with the sums of squares, if there are any.
    #[inline]
    pub(crate) fn complete(&mut self, call: Call) {
        self.gradient_norm = if self.needs_norms() { joint_norm(&self.sums_of_squares) } else { LastStep::UNKNOWN };
        self.settings.set_clip(self.gradient_norm, call);
    }

    /// Whether all gradients are finite. One whose sum of squares was found to be finite is not read again: infinities and `NaN`
    /// do not go away by unscaling, squaring and adding.
    #[inline(never)]
    fn gradients_are_finite(&mut self, variables: &Variables, call: Call) -> bool {
        let mut trained = 0;
        for position in 0..self.selected_count(call) {
            let state = &self.states[self.selected_index(call, position)];
            let Some(variable) = variables.get(state.variable) else { continue };
            if state.is_frozen() {
                continue;
            }
            if !state.overwrite_with_gradient {
                trained += 1;
                if self.sums_of_squares.get(trained - 1).is_some_and(|sum| sum.is_finite()) {
                    continue;
                }
            }
            if !variable.gradient.view().all_finite(&mut self.pinned.scratch.widened) {
                return false;
            }
        }
        true
    }

    /// Changes variables, their state, and the counter.
    #[inline]
    fn update_variables(&mut self, variables: &mut Variables, call: Call) {
        let count = self.selected_count(call);
        let mut progress = Progress::default();
        loop {
            if let Some(factor) = self.settings.inlined_factor() {
                let from = (progress.position, self.raw_iterations);
                progress.position = update_inlined(&mut self.states, variables, &self.settings, factor, from);
            }
            if progress.position >= count {
                break;
            }
            progress = self.update_selected(variables, call, progress);
        }
        if (call.selected.is_some() || progress.has_frozen) && self.settings.changes_others() {
            // With nothing but overwritten variables, Keras leaves averages and accumulators alone.
            self.update_others(variables, call, progress.trained > 0 || progress.has_frozen);
        }
        self.count(call);
    }

    /// Counts the call, and notes what it did.
    #[inline]
    pub(crate) fn count(&mut self, call: Call) {
        self.raw_iterations = self.raw_iterations.wrapping_add(1);
        self.record(if self.settings.updates { Outcome::Updated } else { Outcome::Accumulated }, call);
    }

    /// Notes what a call did.
    #[inline]
    pub(crate) fn record(&mut self, outcome: Outcome, call: Call) {
        let is_skipped = outcome == Outcome::Skipped;
        self.pinned.last_step = LastStep {
            outcome: f32::from(outcome as u8),
            learning_rate: call.learning_rate,
            loss_scale: self.settings.loss_scale.unwrap_or(1.0),
            finite: match call.loss_scale {
                None => LastStep::UNKNOWN,
                Some(_) => f32::from(!is_skipped),
            },
            gradient_norm: if is_skipped { LastStep::UNKNOWN } else { self.gradient_norm },
            clip_factor: if is_skipped { 1.0 } else { self.settings.clip_factor() },
            update_norm: LastStep::UNKNOWN,
            selected: call.selected.map_or(LastStep::UNKNOWN, |selected| selected as f32),
        };
    }

    /// Updates variables from this position on: one, if the inlined loop may go on behind it; otherwise all. A function of its own,
    /// so that a first step need not wait for it to be compiled.
    #[inline(never)]
    fn update_selected(
        &mut self,
        variables: &mut Variables,
        call: Call,
        Progress { mut position, mut trained, mut has_frozen }: Progress,
    ) -> Progress {
        let end = if self.settings.inlined_factor().is_some() { position + 1 } else { self.selected_count(call) };
        let settings = &mut self.settings;
        let scratch = &mut self.pinned.scratch;
        while position < end {
            let index = if call.selected.is_some() { self.selection[position] } else { position };
            position += 1;
            let state = &mut self.states[index];
            let Some(variable) = variables.get_mut(state.variable) else { continue };
            if state.is_frozen() {
                has_frozen = true;
                continue;
            }
            if call.selected.is_some() {
                state.selected = settings.changes_others();
            }
            let arrays = Arrays::of(variable, &mut state.slots);
            if state.overwrite_with_gradient {
                overwrite_with_gradient(settings, arrays, scratch);
                continue;
            }
            let clip = settings.variable_clip(self.sums_of_squares.get(trained));
            trained += 1;
            let common = state.has_own_settings.then(|| state.overrides.apply(settings));
            step_variable(settings, clip, arrays, &mut state.tracked, scratch, scan_offset(index, self.raw_iterations));
            if let Some(common) = common {
                restore(settings, common);
            }
            state.refresh_may_inline();
        }
        Progress { position, trained, has_frozen }
    }

    /// What a call does to variables that it does not select, and to frozen ones, if it `changes` them.
    #[inline(never)]
    fn update_others(&mut self, variables: &mut Variables, call: Call, changes: bool) {
        for state in &mut self.states {
            let is_frozen = state.is_frozen();
            let is_trained = core::mem::take(&mut state.selected) || !(is_frozen || call.selected.is_some());
            if is_trained || !changes {
                continue;
            }
            if let Some(variable) = variables.get_mut(state.variable) {
                step_without_gradient(&self.settings, Arrays::of(variable, &mut state.slots), is_frozen);
            }
        }
    }
}

/// Updates variables from this position on, up to the first that needs more than the inlined loop; returns its position. A
/// loop of its own, small enough for engines to keep what it needs in registers.
#[inline(never)]
fn update_inlined(
    states: &mut [State],
    variables: &mut Variables,
    settings: &Settings,
    factor: f32,
    (from, raw_iterations): (usize, u32),
) -> usize {
    let mut position = from;
    while let Some(state) = states.get_mut(position) {
        if state.may_inline {
            let Some(variable) = variables.get_mut(state.variable) else { break };
            let offset = scan_offset(position, raw_iterations);
            if !step_inlined(settings, Arrays::of(variable, &mut state.slots), factor, offset) {
                break;
            }
        } else if !state.is_frozen() {
            break;
        }
        position += 1;
    }
    position
}

/// How far a call has come.
#[derive(Default)]
struct Progress {
    /// The next position of the call's list.
    position: usize,
    /// How many variables before it have sums of squares.
    trained: usize,
    /// Whether one before it is frozen.
    has_frozen: bool,
}
