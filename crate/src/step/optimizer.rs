//! One optimizer: its state, one array per variable and slot, and one step over all variables.
//!
//! Keras 3.15.1, `optimizers/base_optimizer.py`, `apply`. A step first gathers what must be known before the first variable
//! changes, norms and finiteness, if they are asked for: only then is a gradient read twice. It then takes each variable
//! through the stages (`optimizer/stages.rs`).

use crate::config::Hyperparameters;
use crate::memory::buffer::{Buffer, OutOfMemory};
use crate::memory::slot_map::{Arena, Handle};
use crate::memory::variable::{Freed, Variable, Variables};
use crate::rule::accumulate::Preparation;
use crate::rule::clip::{Clip, ClipMode};
use crate::rule::ema::Average;
use crate::rule::loss_scale::LossScale;
use crate::rule::rmsprop::Coefficients;
use crate::step::slots::{Slot, Slots};
use crate::step::variable::{Arrays, Scratch, Stages, sum_of_squares, turn_of};
use alloc::vec::Vec;
use core::{error::Error, fmt};

/// The state kept for one variable.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts")]
pub(crate) struct State {
    pub variable: Handle,
    pub overwrite_with_gradient: bool,
    pub decays: bool,
    /// Within a call that selects variables: whether this one was among them.
    selected: bool,
    /// Whether the last call found numbers that make arithmetic slow: then all blocks are looked through. Decides on the
    /// speed of a step, never on its bits.
    careful: bool,
    pub slots: Slots<Option<Buffer>>,
}

impl State {
    fn zeroed(hyperparameters: &Hyperparameters, handle: Handle, variable: &Variable) -> Result<Self, OutOfMemory> {
        let overwrite_with_gradient = variable.overwrite_with_gradient;
        let mut slots = [const { None }; 5];
        for (slot, buffer) in Slot::ALL.into_iter().zip(&mut slots) {
            if slot.is_kept(hyperparameters, overwrite_with_gradient) {
                *buffer = Some(Buffer::zeroed(variable.value().len())?);
            }
        }
        let slots = Slots::from(slots);
        Ok(Self { variable: handle, overwrite_with_gradient, decays: true, selected: false, careful: false, slots })
    }
}

/// Why an optimizer could not be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// No room for the state.
    OutOfMemory,
    /// A variable is not there (any more).
    Freed(Freed),
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
        }
    }
}

impl Error for BuildError {}

/// What one call of a step is given.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// η, at the raw count of calls before this one.
    pub learning_rate: f32,
    /// Dynamic loss scale to divide gradients by; takes the place of the static `loss_scale_factor`.
    pub loss_scale: Option<f32>,
    /// The first so many of the selected variables have gradients (see [`Optimizer::select`]); `None`: all have.
    pub selected: Option<usize>,
}

impl Call {
    /// The number of the variable in place `position` of the call's list.
    #[inline]
    fn index(self, selection: &[usize], position: usize) -> usize {
        if self.selected.is_some() { selection[position] } else { position }
    }
}

/// Keras' RMSprop over a list of variables.
#[derive(Debug)]
pub struct Optimizer {
    pub(crate) hyperparameters: Hyperparameters,
    pub(crate) states: Vec<State>,
    /// Whether it was built with accumulators.
    accumulates: bool,
    /// [`Variables::removed`] when all variables were last found to be there.
    found_at: u32,
    /// Calls so far (Keras: `_iterations`), which is more than updates when gradients are accumulated.
    pub(crate) raw_iterations: u32,
    selection: Vec<usize>,
    /// Sums of squares of the gradients of one call, in the order of the selection.
    pub(crate) sums_of_squares: Vec<f32>,
    /// One, behind a pointer: tables of optimizers move when they grow. Not a `Box`, because stable Rust allocates none that may
    /// fail.
    scratch: Vec<Scratch>,
}

impl Optimizer {
    /// An optimizer for these variables, with its state at zero. Its steps are to be given the same `variables`.
    ///
    /// # Errors
    /// [`BuildError`] if a variable is not there or there is no room for the state; nothing is changed then.
    pub fn build(
        hyperparameters: Hyperparameters,
        handles: &[Handle],
        variables: &Variables,
    ) -> Result<Self, BuildError> {
        let mut states = reserved(handles.len())?;
        for &handle in handles {
            let variable = variables.get(handle).ok_or(Freed(handle))?;
            states.push(State::zeroed(&hyperparameters, handle, variable)?);
        }
        let mut scratch = reserved(1)?;
        scratch.push(Scratch::new());
        let mut selection = reserved(handles.len())?;
        selection.extend(0..handles.len());
        Ok(Self {
            accumulates: Slot::GradientAccumulator.is_kept(&hyperparameters, false),
            hyperparameters,
            states,
            found_at: variables.removed(),
            raw_iterations: 0,
            selection,
            sums_of_squares: reserved(handles.len())?,
            scratch,
        })
    }

    /// Bytes of memory that an optimizer takes, at most, without the state of its variables.
    const FIXED: usize = Arena::<Self>::PLACE + size_of::<Scratch>();
    /// Bytes of memory that a variable takes, at most, without its slots: its state, its places in the selection and the sums,
    /// and in the list that the optimizer is built from, which may have doubled.
    const ROW: usize = size_of::<State>() + 4 * size_of::<usize>();

    /// Bytes of memory that [`build`](Self::build) will take for these variables.
    ///
    /// # Errors
    /// [`BuildError`] if a variable is not there, or the state is larger than can be addressed.
    pub fn bytes(
        hyperparameters: &Hyperparameters,
        handles: &[Handle],
        variables: &Variables,
    ) -> Result<usize, BuildError> {
        handles.iter().try_fold(Self::FIXED, |sum, &handle| {
            let variable = variables.get(handle).ok_or(Freed(handle))?;
            let kept = Slot::ALL
                .into_iter()
                .filter(|slot| slot.is_kept(hyperparameters, variable.overwrite_with_gradient))
                .count();
            let slots = Buffer::bytes(variable.value().len()).and_then(|bytes| bytes.checked_mul(kept));
            slots.and_then(|slots| sum.checked_add(slots)?.checked_add(Self::ROW)).ok_or(BuildError::OutOfMemory)
        })
    }

    /// Bytes of memory taken: what [`bytes`](Self::bytes) said.
    pub fn own_bytes(&self) -> usize {
        let buffers = self.states.iter().flat_map(|state| state.slots.all().into_iter().flatten());
        let slots: usize = buffers.filter_map(|buffer| Buffer::bytes(buffer.as_slice().len())).sum();
        Self::FIXED + self.states.len() * Self::ROW + slots
    }

    /// The hyper-parameters, read anew at every step.
    pub fn hyperparameters(&self) -> &Hyperparameters {
        &self.hyperparameters
    }

    /// The hyper-parameters, to change. State that was not built cannot be switched on later: momentum, centering and
    /// accumulation without their slots stay off.
    pub fn hyperparameters_mut(&mut self) -> &mut Hyperparameters {
        &mut self.hyperparameters
    }

    /// Calls so far, including those that only accumulated.
    pub fn raw_iterations(&self) -> u32 {
        self.raw_iterations
    }

    /// Sets the count of calls, to resume.
    pub fn set_raw_iterations(&mut self, raw_iterations: u32) {
        self.raw_iterations = raw_iterations;
    }

    /// Updates so far (Keras: `iterations`).
    pub fn iterations(&self) -> u32 {
        self.raw_iterations / self.steps_per_update()
    }

    fn steps_per_update(&self) -> u32 {
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

    /// Whether weight decay applies to the variable built as number `index`. `false` if there is no such variable.
    pub fn set_decays(&mut self, index: usize, decays: bool) -> bool {
        self.states.get_mut(index).map(|state| state.decays = decays).is_some()
    }

    /// Puts the variable built as number `index` in place `position` of the next selection. The order matters to the
    /// last bit of a global norm. `false` if either number is out of range.
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
        self.check(variables)?;
        let call = Call { loss_scale: Some(scale.scale), ..call };
        self.gather(variables, call);
        let finite = self.gradients_are_finite(variables, call);
        if finite && self.selected(call) > 0 {
            self.update(variables, call);
        }
        scale.record(finite);
        Ok(finite)
    }

    /// One step. Nothing at all without gradients, as in Keras.
    ///
    /// # Errors
    /// [`Freed`] if a variable is not there any more; nothing is changed then.
    pub fn apply(&mut self, variables: &mut Variables, call: Call) -> Result<(), Freed> {
        self.check(variables)?;
        if self.selected(call) > 0 {
            self.gather(variables, call);
            self.update(variables, call);
        }
        Ok(())
    }

    /// The first half of [`apply`](Self::apply): finds what must be known before any variable changes, the sum of squares of
    /// each gradient, if a norm is needed. A sum depends on one variable alone, so it has the same bits wherever it is computed.
    ///
    /// # Errors
    /// [`Freed`] if a variable is not there any more.
    pub fn prepare(&mut self, variables: &Variables, call: Call) -> Result<(), Freed> {
        self.check(variables)?;
        self.gather(variables, call);
        Ok(())
    }

    /// The sums of squares [`prepare`](Self::prepare) found, in the order of the gradients.
    pub fn sums_of_squares(&self) -> &[f32] {
        &self.sums_of_squares
    }

    /// The sums of squares, to put those in their places that others computed.
    pub fn sums_of_squares_mut(&mut self) -> &mut [f32] {
        &mut self.sums_of_squares
    }

    /// The second half of [`apply`](Self::apply): changes variables, state and counters, with the sums of squares as they are
    /// now.
    ///
    /// # Errors
    /// [`Freed`] if a variable is not there any more; nothing is changed then.
    ///
    /// # Panics
    /// If [`prepare`](Self::prepare) was for another call, so that sums are missing.
    pub fn commit(&mut self, variables: &mut Variables, call: Call) -> Result<(), Freed> {
        self.check(variables)?;
        if self.selected(call) > 0 {
            self.update(variables, call);
        }
        Ok(())
    }

    /// The variables are all still there. Looked up only after some variable was removed: otherwise this takes 1 to 2 ns per
    /// variable.
    pub(crate) fn check(&mut self, variables: &Variables) -> Result<(), Freed> {
        if self.found_at == variables.removed() { Ok(()) } else { self.look_up(variables) }
    }

    #[cold]
    #[inline(never)]
    fn look_up(&mut self, variables: &Variables) -> Result<(), Freed> {
        if let Some(state) = self.states.iter().find(|state| variables.get(state.variable).is_none()) {
            return Err(Freed(state.variable));
        }
        self.found_at = variables.removed();
        Ok(())
    }

    pub(crate) fn selected(&self, call: Call) -> usize {
        call.selected.unwrap_or(self.states.len()).min(self.states.len())
    }

    /// The number of the variable in place `position` of the call's list.
    pub(crate) fn index(&self, call: Call, position: usize) -> usize {
        call.index(&self.selection, position)
    }

    /// Whether all gradients are finite. One whose sum of squares [`gather`](Self::gather) found to be finite is not
    /// read again: infinities and `NaN` do not go away by unscaling, squaring and adding.
    fn gradients_are_finite(&mut self, variables: &Variables, call: Call) -> bool {
        let mut trained = 0;
        for position in 0..self.selected(call) {
            let state = &self.states[self.index(call, position)];
            let Some(variable) = variables.get(state.variable) else { continue };
            if !state.overwrite_with_gradient {
                trained += 1;
                if self.sums_of_squares.get(trained - 1).is_some_and(|sum| sum.is_finite()) {
                    continue;
                }
            }
            if !variable.gradient.elements().all_finite(&mut self.scratch[0].widened) {
                return false;
            }
        }
        true
    }

    /// Whether this call updates the variables or only accumulates.
    fn updates(&self) -> bool {
        self.raw_iterations.wrapping_add(1).is_multiple_of(self.steps_per_update())
    }

    fn loss_scale(&self, call: Call) -> Option<f32> {
        call.loss_scale.or(self.hyperparameters.loss_scale_factor.map(|factor| factor as f32))
    }

    pub(crate) fn preparation(&self, call: Call) -> Preparation {
        let steps = self.steps_per_update();
        Preparation::new(self.loss_scale(call), (steps > 1).then_some(steps as f32))
    }

    /// Whether this call needs the sums of squares.
    pub(crate) fn needs_norms(&self) -> bool {
        ClipMode::new(&self.hyperparameters).needs_norms() && self.updates()
    }

    /// [`prepare`](Self::prepare), where all variables are there.
    fn gather(&mut self, variables: &Variables, call: Call) {
        self.sums_of_squares.clear();
        if !self.needs_norms() {
            return;
        }
        let preparation = self.preparation(call);
        for position in 0..self.selected(call) {
            let state = &self.states[self.index(call, position)];
            let Some(variable) = variables.get(state.variable) else {
                continue;
            };
            if state.overwrite_with_gradient {
                continue;
            }
            let accumulator = state.slots.accumulator.as_ref().map(Buffer::groups);
            let (gradient, len) = (variable.gradient.elements(), variable.value().len());
            let scratch = &mut self.scratch[0];
            let sum = sum_of_squares(preparation, gradient, len, accumulator, state.careful, scratch);
            self.sums_of_squares.push(sum);
        }
    }

    /// What this call does to a variable that has a gradient. Clipping by norms is for the sums of squares to say.
    #[inline]
    pub(crate) fn stages(&self, call: Call) -> Stages {
        let updates = self.updates();
        let clip_mode = ClipMode::new(&self.hyperparameters);
        let clip = match clip_mode {
            ClipMode::GlobalNorm(threshold) if updates => Clip::by_global_norm(threshold, &self.sums_of_squares),
            ClipMode::Value(limit) => Clip::Value(limit as f32),
            _ => Clip::Off,
        };
        let average = self.hyperparameters.use_ema.then(|| {
            Average::at(
                self.iterations(),
                self.hyperparameters.ema_momentum,
                self.hyperparameters.overwrite_frequency(),
            )
        });
        Stages {
            updates,
            preparation: self.preparation(call),
            clip_mode,
            clip,
            weight_decay: self.hyperparameters.weight_decay.map(|weight_decay| weight_decay as f32),
            centered: self.hyperparameters.centered,
            momentum: self.hyperparameters.has_momentum(),
            coefficients: Coefficients::new(&self.hyperparameters, call.learning_rate),
            average,
        }
    }

    /// [`commit`](Self::commit), where all variables are there: in Keras' order.
    #[inline(never)]
    fn update(&mut self, variables: &mut Variables, call: Call) {
        let mut stages = self.stages(call);
        let in_place = stages.in_place(call);
        let position = in_place.map_or(0, |factor| self.update_in_place(&stages, variables, factor, 0));
        if position < self.selected(call) {
            self.update_rest(&mut stages, variables, call, position);
        }
        self.raw_iterations = self.raw_iterations.wrapping_add(1);
    }

    /// The same from `position` on, where not all variables are alike. A function of its own, which a first step need not wait for
    /// to be compiled.
    #[inline(never)]
    fn update_rest(&mut self, stages: &mut Stages, variables: &mut Variables, call: Call, mut position: usize) {
        let (at_once, in_place) = (stages.at_once(call), stages.in_place(call));
        let selected = self.selected(call);
        let mut trained = 0;
        while position < selected {
            let index = call.index(&self.selection, position);
            let turn = turn_of(index, self.raw_iterations);
            position += 1;
            let state = &mut self.states[index];
            let Some(variable) = variables.get_mut(state.variable) else {
                continue;
            };
            state.selected = call.selected.is_some();
            let scratch = &mut self.scratch[0];
            if state.overwrite_with_gradient {
                stages.overwrite(Arrays::of(variable, &mut state.slots), &mut scratch.widened);
                continue;
            }
            if let (ClipMode::Norm(threshold), true) = (stages.clip_mode, stages.updates) {
                stages.clip = Clip::by_norm(threshold, self.sums_of_squares[trained]);
            }
            trained += 1;
            let is_done = at_once.is_some_and(|factor| {
                let mut arrays = Arrays::of(variable, &mut state.slots);
                !state.careful && stages.update_at_once(&mut arrays, state.decays, factor, turn)
            });
            if !is_done {
                let (decays, careful) = (state.decays, &mut state.careful);
                stages.run(Arrays::of(variable, &mut state.slots), decays, careful, scratch, turn);
            }
            if let Some(factor) = in_place {
                position = self.update_in_place(stages, variables, factor, position);
            }
        }
        if call.selected.is_some() {
            // With nothing but overwritten variables, Keras leaves averages and accumulators alone.
            self.finish_unselected((trained > 0).then_some(stages), variables);
        }
    }

    /// Updates the variables from this position on, as long as their steps are the rule alone; where the first other one is. A loop
    /// of its own, small enough for the engine to keep what it needs in registers.
    #[inline(never)]
    fn update_in_place(&mut self, stages: &Stages, variables: &mut Variables, factor: f32, from: usize) -> usize {
        let mut position = from;
        let raw_iterations = self.raw_iterations;
        while let Some(state) = self.states.get_mut(position) {
            let Some(variable) = variables.get_mut(state.variable) else { break };
            let turn = turn_of(position, raw_iterations);
            if state.careful || !stages.update_in_place(Arrays::of(variable, &mut state.slots), factor, turn) {
                break;
            }
            position += 1;
        }
        position
    }

    fn finish_unselected(&mut self, stages: Option<&Stages>, variables: &mut Variables) {
        for state in &mut self.states {
            let had_gradient = core::mem::take(&mut state.selected);
            let (false, Some(stages)) = (had_gradient, stages) else {
                continue;
            };
            if let Some(variable) = variables.get_mut(state.variable) {
                stages.finish_unselected(Arrays::of(variable, &mut state.slots));
            }
        }
    }

    /// Sets every variable to its average, for evaluation (Keras: `finalize_variable_values`). Does nothing without
    /// averages.
    ///
    /// # Errors
    /// [`Freed`] if a variable is not there any more; nothing is changed then.
    pub fn finalize(&mut self, variables: &mut Variables) -> Result<(), Freed> {
        self.check(variables)?;
        for state in &self.states {
            if let (Some(average), Some(variable)) = (&state.slots.average, variables.get_mut(state.variable)) {
                variable.value_mut().copy_from_slice(average.as_slice());
            }
        }
        Ok(())
    }
}

/// An empty vector with room for `len`.
pub(crate) fn reserved<T>(len: usize) -> Result<Vec<T>, OutOfMemory> {
    let mut vector = Vec::new();
    vector.try_reserve_exact(len).map_err(|_| OutOfMemory)?;
    Ok(vector)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_float, bits};
    use proptest::prelude::*;

    /// Whether a step under a loss scale of 8 with these two gradients is taken.
    fn is_taken(clipping: Hyperparameters, overwritten: bool, gradients: [f32; 2]) -> bool {
        let mut variables = Variables::new();
        let handles = gradients.map(|_| {
            let variable = Variable::new(&[1.0; 3]).unwrap();
            variables.insert(if overwritten { variable.overwritten_with_gradient() } else { variable }).unwrap()
        });
        let plain = variables.insert(Variable::new(&[1.0]).unwrap()).unwrap();
        let mut optimizer = Optimizer::build(clipping, &[handles[0], plain, handles[1]], &variables).unwrap();
        for (handle, gradient) in handles.into_iter().zip(gradients) {
            variables.get_mut(handle).unwrap().gradient_mut()[2] = gradient;
        }
        let call = Call { learning_rate: 0.1, loss_scale: None, selected: None };
        let mut scale = LossScale::new(8.0, 10, 1.0, 16.0);
        let taken = optimizer.apply_scaled(&mut variables, &mut scale, call).unwrap();
        assert_eq!(optimizer.raw_iterations() == 1, taken);
        assert_eq!(scale.scale == 8.0, taken);
        taken
    }

    /// With norms the sums of squares stand for the gradients, but a sum may also overflow.
    #[test]
    fn a_step_is_skipped_for_gradients_that_are_not_finite_and_for_nothing_else() {
        let off = Hyperparameters::default();
        let norm = Hyperparameters { clipnorm: Some(1.0), ..Hyperparameters::default() };
        let global = Hyperparameters { global_clipnorm: Some(1.0), ..Hyperparameters::default() };
        let accumulated = Hyperparameters { gradient_accumulation_steps: Some(2.0), ..norm.clone() };
        for clipping in [off, norm, global, accumulated] {
            for overwritten in [false, true] {
                for finite in [0.0, 1.0, 1e30, f32::MAX] {
                    assert!(is_taken(clipping.clone(), overwritten, [finite, 1.0]));
                    assert!(is_taken(clipping.clone(), overwritten, [1.0, finite]));
                    for infinite in [f32::INFINITY, f32::NEG_INFINITY, f32::NAN] {
                        assert!(!is_taken(clipping.clone(), overwritten, [finite, infinite]));
                        assert!(!is_taken(clipping.clone(), overwritten, [infinite, finite]));
                    }
                }
            }
        }
    }

    #[test]
    fn accumulation_cannot_be_switched_on_without_accumulators() {
        let mut variables = Variables::new();
        let handle = variables.insert(Variable::new(&[1.0, 1.0]).unwrap()).unwrap();
        let mut optimizer = Optimizer::build(Hyperparameters::default(), &[handle], &variables).unwrap();
        optimizer.hyperparameters_mut().gradient_accumulation_steps = Some(3.0);
        variables.get_mut(handle).unwrap().gradient_mut().copy_from_slice(&[1.0, 1e-40]);
        // In the second call this variable is looked through.
        optimizer.set_raw_iterations(126);
        for _ in 0..2 {
            optimizer.step(&mut variables, 0.5).unwrap();
        }
        assert_eq!(optimizer.iterations(), 128);
        assert_eq!(optimizer.slot(Slot::Velocity, 0).unwrap()[0], 0.9 * 0.1 + 0.1);
    }

    /// A hyper-parameter's usual, unusual and hostile values.
    fn any_hyperparameters() -> impl Strategy<Value = Hyperparameters> {
        let clipping = prop_oneof![
            Just((None, None, None)),
            (0.001..4.0).prop_map(|x| (Some(x), None, None)),
            (0.001..4.0).prop_map(|x| (None, Some(x), None)),
            (1e-40..1.0).prop_map(|x| (None, None, Some(x))),
        ];
        let loss_scale = prop_oneof![Just(None), Just(Some(8.0)), Just(Some(3.0)), Just(Some(1e-3))];
        let steps = prop_oneof![Just(None), Just(Some(2.0)), Just(Some(3.0))];
        let epsilon = prop_oneof![Just(1e-7), Just(0.0), Just(1e-40), Just(-1e-3)];
        let decay = prop_oneof![Just(None), Just(Some(0.0)), Just(Some(0.01))];
        let rho = prop_oneof![Just(0.9), Just(0.0), Just(1.0), Just(0.999)];
        (clipping, loss_scale, steps, epsilon, decay, rho, any::<[bool; 3]>()).prop_map(
            |((clipnorm, global_clipnorm, clipvalue), loss_scale_factor, steps, epsilon, weight_decay, rho, on)| {
                Hyperparameters {
                    clipnorm,
                    global_clipnorm,
                    clipvalue,
                    loss_scale_factor,
                    gradient_accumulation_steps: steps,
                    epsilon,
                    weight_decay,
                    rho,
                    use_ema: on[0],
                    ema_overwrite_frequency: on[1].then_some(2.0),
                    momentum: if on[1] { 0.9 } else { 0.0 },
                    centered: on[2],
                    ..Hyperparameters::default()
                }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        /// Whether subnormal numbers are avoided is a matter of speed: forced always or never, a run has the same bits.
        #[test]
        fn care_changes_no_bit(
            hyperparameters in any_hyperparameters(),
            values in prop::collection::vec(any_float(), 1..150),
            gradients in prop::collection::vec((any_float(), any::<[bool; 5]>()), 5..150),
            learning_rate in prop_oneof![4 => Just(1e-3f32), 1 => Just(0.0f32), 1 => Just(-0.1f32), 1 => Just(1e-40f32)],
        ) {
            let run = |careful: bool| {
                let mut variables = Variables::new();
                let handle = variables.insert(Variable::new(&values).unwrap()).unwrap();
                let mut optimizer = Optimizer::build(hyperparameters.clone(), &[handle], &variables).unwrap();
                // In these calls it is the turn of blocks that are not there.
                optimizer.set_raw_iterations(6);
                let mut all = Vec::new();
                for step in 0..5 {
                    let gradient = variables.get_mut(handle).unwrap().gradient_mut();
                    for (g, (number, on)) in gradient.iter_mut().zip(gradients.iter().cycle()) {
                        *g = if on[step] { *number } else { 0.0 };
                    }
                    optimizer.states[0].careful = careful;
                    optimizer.step(&mut variables, learning_rate).unwrap();
                    let slots = Slot::ALL.into_iter().filter_map(|slot| optimizer.slot(slot, 0));
                    for &x in slots.chain([variables.get(handle).unwrap().value()]).flatten() {
                        all.push(bits(x));
                    }
                }
                all
            };
            prop_assert_eq!(run(false), run(true));
        }
    }
}
