//! A step in phases, each done chunk by chunk, on arrays that the caller brings.
//!
//! Which thread takes which chunk does not matter: a parameter's update depends on that parameter alone, and sums under norms
//! are cut where NumPy's pairwise tree cuts. So the step has the bits of [`Optimizer::apply`].

use crate::arith::group::Group;
use crate::arith::subnormal::SmallNumbers;
use crate::memory::buffer::{OutOfMemory, reserved};
use crate::memory::gradient_view::GradientView;
use crate::memory::variable::Variables;
use crate::rule::clip::Clip;
use crate::step::arrays::Arrays;
use crate::step::call::{Call, Settings};
use crate::step::last_step::Outcome;
use crate::step::norms::gradient_sum_of_squares;
use crate::step::optimizer::Optimizer;
use crate::step::overrides::Override;
use crate::step::scratch::Scratch;
use crate::step::slots::Slots;
use crate::step::state::State;
use crate::step::variable::{Tracked, overwrite_with_gradient, scan_offset, step_variable, step_without_gradient};
use crate::threads::plan::{ChunkPlan, Chunks, Piece};
use alloc::vec::Vec;
use bytemuck::Zeroable;
use core::sync::atomic::Ordering::Relaxed;

/// What every chunk must go through before the step can go on. It crosses the boundary as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing: the step is over.
    Over,
    /// Norms and finiteness, which must be known before anything changes.
    Gather,
    /// Everything else.
    Update,
}

impl Phase {
    /// The number at the boundary.
    pub fn code(self) -> u32 {
        self as u32
    }

    /// The phase with this number.
    pub fn from_code(code: u32) -> Self {
        [Self::Gather, Self::Update].into_iter().find(|phase| phase.code() == code).unwrap_or(Self::Over)
    }
}

/// What a call does to a variable.
#[derive(Clone, Copy)]
enum Action {
    Nothing,
    WithoutGradient { is_frozen: bool },
    Overwrite,
    Train { clip: Clip, decays: bool, own_settings: Option<Override> },
}

impl Action {
    /// What a call does to a variable that has a gradient.
    fn with_gradient(state: &State) -> Self {
        if state.is_frozen() {
            Self::WithoutGradient { is_frozen: true }
        } else if state.overwrite_with_gradient {
            Self::Overwrite
        } else {
            let own_settings = state.has_own_settings.then_some(state.overrides);
            Self::Train { clip: Clip::Off, decays: state.tracked.decays, own_settings }
        }
    }
}

/// An optimizer's steps in chunks; made once, used for all of them.
pub struct ChunkedStep {
    chunks: Chunks,
    /// As [`ChunkPlan::least`].
    least: usize,
    /// For each variable, as of this step.
    actions: Vec<Action>,
    call: Call,
    settings: Option<Settings>,
    /// [`Optimizer::needs_norms`]
    needs_norms: bool,
    raw_iterations: u32,
    phase: Phase,
}

impl ChunkedStep {
    /// The chunks of this optimizer's steps; `None` if they are not worth cutting.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no room for the lists of pieces, chunks and variables.
    pub fn new(optimizer: &Optimizer, variables: &Variables, plan: ChunkPlan) -> Result<Option<Self>, OutOfMemory> {
        let lengths = optimizer.states.iter().map(|state| len_of(state, variables));
        let Some(chunks) = Chunks::new(lengths, plan)? else { return Ok(None) };
        Ok(Some(Self {
            chunks,
            least: plan.least,
            actions: reserved(optimizer.states.len())?,
            call: Call { learning_rate: 0.0, loss_scale: None, selected: None },
            settings: None,
            needs_norms: false,
            raw_iterations: 0,
            phase: Phase::Over,
        }))
    }

    /// The chunks of each phase.
    pub fn chunks(&self) -> &Chunks {
        &self.chunks
    }

    /// Whether a call is over too few parameters to be shared. Does not look at variables that the call leaves alone.
    pub(crate) fn is_small(&self, optimizer: &mut Optimizer, variables: &Variables, call: Call) -> bool {
        let count = optimizer.selected_count(call);
        if count == 0 {
            return true;
        }
        optimizer.begin(call);
        if call.selected.is_none() || optimizer.settings.changes_others() {
            return false;
        }
        let states = (0..count).map(|position| &optimizer.states[optimizer.selected_index(call, position)]);
        states.map(|state| len_of(state, variables)).sum::<usize>() < self.least
    }

    /// Begins a step over variables that [`fit`](Chunks::fit) and are all there.
    pub(crate) fn start(&mut self, optimizer: &mut Optimizer, call: Call) -> Phase {
        optimizer.begin(call);
        let (states, settings) = (&optimizer.states, &optimizer.settings);
        self.actions.clear();
        self.actions.resize(states.len(), Action::Nothing);
        let mut moves_averages = false;
        for position in 0..optimizer.selected_count(call) {
            let index = optimizer.selected_index(call, position);
            let state = &states[index];
            self.actions[index] = Action::with_gradient(state);
            moves_averages |= !matches!(self.actions[index], Action::Overwrite);
        }
        if moves_averages && call.selected.is_some() && settings.changes_others() {
            for (action, state) in self.actions.iter_mut().zip(states) {
                if let Action::Nothing = action {
                    *action = Action::WithoutGradient { is_frozen: state.is_frozen() };
                }
            }
        }
        (self.call, self.raw_iterations) = (call, optimizer.raw_iterations);
        self.settings = Some(*settings);
        self.needs_norms = optimizer.needs_norms();
        if self.needs_norms || self.needs_finite() {
            self.phase = Phase::Gather;
        } else {
            self.start_update(optimizer);
        }
        self.phase
    }

    /// Gives the step up before it began.
    pub(crate) fn cancel(&mut self) -> Phase {
        self.phase = Phase::Over;
        self.phase
    }

    /// Goes on when all chunks of the phase are done.
    pub(crate) fn advance(&mut self, optimizer: &mut Optimizer) -> Phase {
        match self.phase {
            Phase::Gather if !self.gradients_were_finite() => {
                optimizer.record(Outcome::Skipped, self.call);
                self.phase = Phase::Over;
            }
            Phase::Gather => self.start_update(optimizer),
            Phase::Update => {
                optimizer.count(self.call);
                self.phase = Phase::Over;
            }
            Phase::Over => {}
        }
        self.phase
    }

    /// Under a loss scale, gradients that are not finite skip the step.
    fn needs_finite(&self) -> bool {
        self.call.loss_scale.is_some()
    }

    /// Whether the gradients were finite, or need not be; known after [`Phase::Gather`].
    pub fn gradients_were_finite(&self) -> bool {
        !self.needs_finite() || self.chunks.pieces().iter().all(|piece| piece.finite.load(Relaxed))
    }

    /// Adds up what was gathered of each variable, in the order of the call.
    fn sum_pieces(&self, optimizer: &mut Optimizer) {
        for position in 0..optimizer.selected_count(self.call) {
            let index = optimizer.selected_index(self.call, position);
            if let Action::Train { .. } = self.actions[index] {
                let sum = self.chunks.sum_over(index, |piece| f32::from_bits(piece.sum_of_squares.load(Relaxed)));
                optimizer.sums_of_squares.push(sum);
            }
        }
    }

    fn start_update(&mut self, optimizer: &mut Optimizer) {
        optimizer.sums_of_squares.clear();
        if self.needs_norms {
            self.sum_pieces(optimizer);
        }
        optimizer.complete(self.call);
        let mut trained = 0;
        for position in 0..optimizer.selected_count(self.call) {
            if let Action::Train { clip, .. } = &mut self.actions[optimizer.selected_index(self.call, position)] {
                *clip = optimizer.settings.variable_clip(optimizer.sums_of_squares.get(trained));
                trained += 1;
            }
        }
        self.settings = Some(optimizer.settings);
        self.phase = Phase::Update;
    }

    /// Gathers from one piece, given its gradient and accumulator.
    pub(crate) fn gather_piece(&self, piece: &Piece, gradient: GradientView<'_>, accumulator: Option<&[Group]>) {
        let Some(settings) = &self.settings else { return };
        let scratch = &mut Scratch::zeroed();
        let sum = match self.actions[piece.variable] {
            Action::Nothing | Action::WithoutGradient { .. } => {
                piece.finite.store(true, Relaxed);
                return;
            }
            Action::Train { .. } if self.needs_norms => {
                let (len, has_subnormals) = (piece.elements.len(), piece.small() == SmallNumbers::Any);
                let sum =
                    gradient_sum_of_squares(settings.scaling, gradient, len, accumulator, has_subnormals, scratch);
                piece.sum_of_squares.store(sum.to_bits(), Relaxed);
                sum
            }
            _ => f32::NAN,
        };
        // A finite sum has only finite terms: see `Optimizer::gradients_are_finite`.
        let finite = sum.is_finite() || !self.needs_finite() || gradient.all_finite(&mut scratch.widened);
        piece.finite.store(finite, Relaxed);
    }

    /// Updates one piece, the one with this index, given its arrays.
    pub(crate) fn update_piece(
        &self,
        index: usize,
        piece: &Piece,
        gradient: GradientView<'_>,
        (value, mut slots): (&mut [Group], Slots<Option<&mut [Group]>>),
    ) {
        let Some(settings) = &self.settings else { return };
        let arrays = Arrays { value, gradient, slots: &mut slots };
        match self.actions[piece.variable] {
            Action::Nothing => {}
            Action::WithoutGradient { is_frozen } => step_without_gradient(settings, arrays, is_frozen),
            Action::Overwrite => overwrite_with_gradient(settings, arrays, &mut Scratch::zeroed()),
            Action::Train { clip, decays, own_settings } => {
                let own_settings = own_settings.map(|overrides| {
                    let mut own = *settings;
                    overrides.apply(&mut own);
                    own
                });
                let settings = own_settings.as_ref().unwrap_or(settings);
                let mut tracked = Tracked { decays, small: piece.small() };
                train(settings, clip, arrays, &mut tracked, scan_offset(index, self.raw_iterations));
                piece.small.store(tracked.small as u8, Relaxed);
            }
        }
    }
}

/// The length of a state's variable; 0 if it is not there any more.
fn len_of(state: &State, variables: &Variables) -> usize {
    variables.get(state.variable).map_or(0, |variable| variable.value().len())
}

/// A function of its own: inlined into the others, its loop is 1.04× slower.
#[inline(never)]
fn train(settings: &Settings, clip: Clip, arrays: Arrays<'_, &mut [Group]>, tracked: &mut Tracked, scan_offset: usize) {
    step_variable(settings, clip, arrays, tracked, &mut Scratch::zeroed(), scan_offset);
}
