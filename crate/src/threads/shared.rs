//! A step cut into chunks that several threads take.
//!
//! One thread, the host, calls [`Parts::begin`]; then, as long as there is a [`Phase`], all threads call [`Parts::take`]
//! until each chunk was taken once, and when all of that is done the host calls [`Parts::next`]. Who takes which chunk
//! does not matter: a parameter's update depends on that parameter alone, and the sums under norms are cut where NumPy's
//! pairwise tree cuts, so that the step has the bits of [`Optimizer::apply`].
//!
//! Nothing here waits or locks. Between the calls of one phase and the next the host must see to it that all threads see
//! what the others wrote (from JavaScript, `Atomics` do that).

use crate::arith::group::{Group, WIDTH, groups};
use crate::arith::half::Half;
use crate::arith::pairwise_sum::pairwise;
use crate::memory::buffer::{Buffer, OutOfMemory};
use crate::memory::gradient::Elements;
use crate::memory::variable::{Variable, Variables};
use crate::rule::accumulate::Preparation;
use crate::rule::clip::{Clip, ClipMode};
use crate::step::optimizer::{Call, Optimizer, State, reserved};
use crate::step::slots::Slots;
use crate::step::variable::{Arrays, Scratch, Stages, sum_of_squares, turn_of};
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// Into what a step is cut, in numbers of parameters.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// A variable is cut in pieces of at most this, at the cuts of NumPy's pairwise sum: at least 128.
    pub piece: usize,
    /// A chunk, what a thread takes at once, is at least this (but for the last one), so that small variables share one.
    pub chunk: usize,
    /// Less than this is not worth the trouble: the step is not cut at all.
    pub least: usize,
}

impl Cut {
    /// The measured optimum: a chunk takes 3 to 5 µs, and handing a step to a thread that is awake takes 0.3 µs.
    pub const BEST: Self = Self { piece: 8192, chunk: 6144, least: 60_000 };
}

/// What is to be done with all chunks before the step can go on; its place is its number at the boundary.
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

/// A part of a variable, and what was gathered from its gradient.
struct Piece {
    row: usize,
    elements: Range<usize>,
    sum_of_squares: AtomicU32,
    finite: AtomicBool,
    /// Whether numbers in it were subnormal in the step before.
    careful: AtomicBool,
}

impl Piece {
    /// Its groups. Cuts are at multiples of 8, so that no group is in two pieces.
    fn groups(&self) -> Range<usize> {
        self.elements.start / WIDTH..groups(self.elements.end)
    }
}

/// What a call does to a variable.
#[derive(Clone, Copy)]
enum Fate {
    Nothing,
    Unselected,
    Overwritten,
    Trained(Clip),
}

/// One variable in one step: where its arrays are, and what happens to them.
struct Row {
    len: usize,
    value: *mut Group,
    gradient: *const Group,
    /// The type of the gradient, if that is not float32.
    half: Option<Half>,
    slots: Slots<*mut Group>,
    decays: bool,
    fate: Fate,
}

// SAFETY: the pointers are followed only in `Row::gradient`, `Row::accumulator` and `Row::written`, whose contracts speak of all threads.
unsafe impl Sync for Row {}

impl Row {
    /// `None` if the slots are those of a variable of another length.
    fn new(variable: &mut Variable, state: &mut State) -> Option<Self> {
        let len = variable.value().len();
        if state.slots.all().into_iter().flatten().any(|slot| slot.as_slice().len() != len) {
            return None;
        }
        let slots = state.slots.each_mut();
        let slots =
            slots.map(|slot| slot.as_mut().map_or(core::ptr::null_mut(), |slot| slot.groups_mut().as_mut_ptr()));
        Some(Self {
            len,
            value: variable.value.groups_mut().as_mut_ptr(),
            gradient: variable.gradient.buffer.groups().as_ptr(),
            half: variable.gradient.half(),
            slots,
            decays: state.decays,
            fate: Fate::Nothing,
        })
    }

    /// These groups of the gradient.
    ///
    /// # Safety
    /// The array has these groups and lives for `'a`, and nobody writes to them meanwhile.
    unsafe fn gradient<'a>(&self, groups: &Range<usize>) -> Elements<'a> {
        // SAFETY: by this function's contract; a group of float32s is aligned for the two of 16 bits in its place.
        unsafe {
            match self.half {
                None => Elements::Float32(slice(self.gradient, groups)),
                Some(half) => Elements::Half(half, slice(self.gradient.cast(), groups)),
            }
        }
    }

    /// These groups of the accumulator, if there is one.
    ///
    /// # Safety
    /// The array has these groups and lives for `'a`, and nobody writes to them meanwhile.
    unsafe fn accumulator<'a>(&self, groups: &Range<usize>) -> Option<&'a [Group]> {
        let start = self.slots.accumulator.cast_const();
        // SAFETY: by this function's contract.
        let part = || unsafe { slice(start, groups) };
        (!start.is_null()).then(part)
    }

    /// These groups of all arrays that are written to: values and slots.
    ///
    /// # Safety
    /// The arrays have these groups and live for `'a`, and nobody else reads or writes them meanwhile.
    unsafe fn written<'a>(&self, groups: &Range<usize>) -> (&'a mut [Group], Slots<Option<&'a mut [Group]>>) {
        // SAFETY: by this function's contract; no two of a row's arrays overlap, because each is a buffer of its own.
        let part =
            |start: *mut Group| unsafe { core::slice::from_raw_parts_mut(start.add(groups.start), groups.len()) };
        (part(self.value), self.slots.map(|slot| (!slot.is_null()).then(|| part(slot))))
    }
}

/// These groups of the array that begins here.
///
/// # Safety
/// That of [`core::slice::from_raw_parts`].
unsafe fn slice<'a, T>(start: *const T, groups: &Range<usize>) -> &'a [T] {
    // SAFETY: by this function's contract.
    unsafe { core::slice::from_raw_parts(start.add(groups.start), groups.len()) }
}

/// A step of one optimizer in chunks; made once, used for all of its steps.
pub struct Parts {
    /// Where cutting ends.
    longest: usize,
    /// In the order of the variables, and of a variable's elements.
    pieces: Vec<Piece>,
    /// The pieces of each chunk.
    chunks: Vec<Range<usize>>,
    /// As of this step.
    rows: Vec<Row>,
    preparation: Preparation,
    needs_norms: bool,
    /// Under a loss scale, gradients that are not finite skip the step.
    needs_finite: bool,
    call: Call,
    stages: Option<Stages>,
    /// What gradients are multiplied by, if a piece's step is one loop.
    at_once: Option<f32>,
    /// Which blocks to look through: others in each step.
    raw_iterations: u32,
    phase: Phase,
}

impl Parts {
    /// The chunks of this optimizer's steps; `None` if they are not worth cutting.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no room for the lists of pieces, chunks and variables.
    pub fn new(optimizer: &Optimizer, variables: &Variables, cut: Cut) -> Result<Option<Self>, OutOfMemory> {
        let lengths = || {
            let states = optimizer.states.iter();
            states.map(|state| variables.get(state.variable).map_or(0, |variable| variable.value().len()))
        };
        if lengths().sum::<usize>() < cut.least {
            return Ok(None);
        }
        // A range longer than `piece` is halved at a multiple of 8, so every piece has more than `piece / 2 - 8` elements.
        let at_most = lengths().map(|len| 1 + 2 * len / (cut.piece - 16)).sum();
        let mut pieces = reserved(at_most)?;
        for (row, len) in lengths().enumerate() {
            pairwise(0, len, cut.piece, &mut |from, len| {
                let elements = from..from + len;
                pieces.push(Piece {
                    row,
                    elements,
                    sum_of_squares: AtomicU32::new(0),
                    finite: AtomicBool::new(true),
                    careful: AtomicBool::new(false),
                });
                0.0
            });
        }
        let mut chunks: Vec<Range<usize>> = reserved(pieces.len())?;
        let mut room = 0;
        for (place, piece) in pieces.iter().enumerate() {
            match chunks.last_mut() {
                Some(chunk) if room > 0 => chunk.end = place + 1,
                _ => {
                    chunks.push(place..place + 1);
                    room = cut.chunk;
                }
            }
            room = room.saturating_sub(piece.elements.len());
        }
        Ok(Some(Self {
            longest: cut.piece,
            pieces,
            chunks,
            rows: reserved(optimizer.states.len())?,
            preparation: Preparation::default(),
            needs_norms: false,
            needs_finite: false,
            call: Call { learning_rate: 0.0, loss_scale: None, selected: None },
            stages: None,
            at_once: None,
            raw_iterations: 0,
            phase: Phase::Over,
        }))
    }

    /// How many chunks each phase has.
    pub fn chunks(&self) -> usize {
        self.chunks.len()
    }

    /// Begins a step. [`Phase::Over`]: this one is for [`Optimizer::apply`], because there is nothing to do, a variable is
    /// not there any more, or these are not the variables that were cut.
    pub fn begin(&mut self, optimizer: &mut Optimizer, variables: &mut Variables, call: Call) -> Phase {
        self.phase = Phase::Over;
        let selected = optimizer.selected(call);
        if selected == 0 || optimizer.check(variables).is_err() {
            return self.phase;
        }
        self.rows.clear();
        for state in &mut optimizer.states {
            let row = variables.get_mut(state.variable).and_then(|variable| Row::new(variable, state));
            let Some(row) = row else { return self.phase };
            self.rows.push(row);
        }
        if !self.fits() {
            return self.phase;
        }
        let mut trains = false;
        for position in 0..selected {
            let index = optimizer.index(call, position);
            let overwritten = optimizer.states[index].overwrite_with_gradient;
            self.rows[index].fate = if overwritten { Fate::Overwritten } else { Fate::Trained(Clip::Off) };
            trains |= !overwritten;
        }
        if trains && call.selected.is_some() {
            for row in &mut self.rows {
                if let Fate::Nothing = row.fate {
                    row.fate = Fate::Unselected;
                }
            }
        }
        self.call = call;
        self.preparation = optimizer.preparation(call);
        self.needs_norms = optimizer.needs_norms();
        self.needs_finite = call.loss_scale.is_some();
        if self.needs_norms || self.needs_finite {
            self.phase = Phase::Gather;
        } else {
            self.begin_update(optimizer);
        }
        self.phase
    }

    /// Whether the pieces are those of this step's rows: as many, and as long.
    fn fits(&self) -> bool {
        let mut pieces = self.pieces.iter().peekable();
        let mut fits = |(number, row): (usize, &Row)| {
            let mut end = 0;
            while let Some(piece) = pieces.next_if(|piece| piece.row == number) {
                end = piece.elements.end;
            }
            end == row.len
        };
        self.rows.iter().enumerate().all(&mut fits) && pieces.next().is_none()
    }

    /// Goes on when all chunks of the phase are done.
    pub fn next(&mut self, optimizer: &mut Optimizer) -> Phase {
        match self.phase {
            Phase::Gather if self.needs_finite && !self.is_finite() => self.phase = Phase::Over,
            Phase::Gather => self.begin_update(optimizer),
            Phase::Update => {
                optimizer.raw_iterations = optimizer.raw_iterations.wrapping_add(1);
                self.phase = Phase::Over;
            }
            Phase::Over => {}
        }
        self.phase
    }

    /// Whether the gradients were finite, or need not be; known after [`Phase::Gather`].
    pub fn is_finite(&self) -> bool {
        !self.needs_finite || self.pieces.iter().all(|piece| piece.finite.load(Relaxed))
    }

    fn begin_update(&mut self, optimizer: &mut Optimizer) {
        optimizer.sums_of_squares.clear();
        if self.needs_norms {
            for position in 0..optimizer.selected(self.call) {
                let index = optimizer.index(self.call, position);
                if let Fate::Trained(_) = self.rows[index].fate {
                    optimizer.sums_of_squares.push(self.sum_of_squares(index));
                }
            }
        }
        let stages = optimizer.stages(self.call);
        let mut sums = optimizer.sums_of_squares.iter();
        for position in 0..optimizer.selected(self.call) {
            if let Fate::Trained(clip) = &mut self.rows[optimizer.index(self.call, position)].fate {
                *clip = match (stages.clip_mode, sums.next()) {
                    (ClipMode::Norm(threshold), Some(&sum)) => Clip::by_norm(threshold, sum),
                    _ => stages.clip,
                };
            }
        }
        self.at_once = stages.at_once(self.call);
        self.stages = Some(stages);
        self.raw_iterations = optimizer.raw_iterations;
        self.phase = Phase::Update;
    }

    /// A variable's sum of squares from those of its pieces.
    fn sum_of_squares(&self, row: usize) -> f32 {
        let first = self.pieces.partition_point(|piece| piece.row < row);
        let end = self.pieces.partition_point(|piece| piece.row <= row);
        let pieces = &self.pieces[first..end];
        let len = pieces.last().map_or(0, |piece| piece.elements.end);
        let mut sums = pieces.iter().map(|piece| f32::from_bits(piece.sum_of_squares.load(Relaxed)));
        pairwise(0, len, self.longest, &mut |_, _| sums.next().unwrap_or(0.0))
    }

    /// Does one chunk of the phase that is on.
    ///
    /// # Safety
    /// `phase` is what the last call of [`begin`](Self::begin) or [`next`](Self::next) returned, and each chunk is taken once
    /// in it. From that call until all chunks are done, the optimizer and its variables are there and not used otherwise.
    /// Neither `begin` nor `next` runs while a `take` does, and what each of them wrote is seen by all threads.
    pub unsafe fn take(&self, phase: Phase, chunk: usize) {
        let Some(chunk) = self.chunks.get(chunk) else { return };
        for (number, piece) in chunk.clone().zip(&self.pieces[chunk.clone()]) {
            // SAFETY: the pieces of all chunks are disjoint parts of their variables' arrays. These live and have these
            // elements, because `begin` found them, as long as the pieces say, in variables and states that are not used
            // otherwise.
            unsafe {
                match phase {
                    Phase::Over => {}
                    Phase::Gather => self.gather(piece),
                    Phase::Update => self.update(number, piece),
                }
            }
        }
    }

    /// # Safety
    /// The piece's arrays live, and nobody writes to its elements meanwhile.
    unsafe fn gather(&self, piece: &Piece) {
        let row = &self.rows[piece.row];
        // SAFETY: by this function's contract.
        let (gradient, accumulator) = unsafe { (row.gradient(&piece.groups()), row.accumulator(&piece.groups())) };
        let scratch = &mut Scratch::new();
        let sum = match row.fate {
            Fate::Nothing | Fate::Unselected => {
                piece.finite.store(true, Relaxed);
                return;
            }
            Fate::Trained(_) if self.needs_norms => {
                let (len, careful) = (piece.elements.len(), piece.careful.load(Relaxed));
                let sum = sum_of_squares(self.preparation, gradient, len, accumulator, careful, scratch);
                piece.sum_of_squares.store(sum.to_bits(), Relaxed);
                sum
            }
            _ => f32::NAN,
        };
        // A finite sum has only finite terms: see `Optimizer::gradients_are_finite`.
        piece.finite.store(sum.is_finite() || !self.needs_finite || gradient.all_finite(&mut scratch.widened), Relaxed);
    }

    /// # Safety
    /// The piece's arrays live, and nobody else reads or writes its elements meanwhile.
    unsafe fn update(&self, number: usize, piece: &Piece) {
        let Some(stages) = self.stages else { return };
        let row = &self.rows[piece.row];
        // SAFETY: by this function's contract. The gradient is no array of those that are written to.
        let (gradient, (value, mut slots)) = unsafe { (row.gradient(&piece.groups()), row.written(&piece.groups())) };
        let mut arrays = Arrays { value, gradient, slots: &mut slots };
        match row.fate {
            Fate::Nothing => {}
            Fate::Unselected => stages.finish_unselected(arrays),
            Fate::Overwritten => stages.overwrite(arrays, &mut Scratch::new().widened),
            Fate::Trained(clip) => {
                let mut careful = piece.careful.load(Relaxed);
                let turn = turn_of(number, self.raw_iterations);
                let is_done = self
                    .at_once
                    .is_some_and(|factor| !careful && stages.update_at_once(&mut arrays, row.decays, factor, turn));
                if !is_done {
                    trained(&Stages { clip, ..stages }, arrays, row.decays, &mut careful, turn);
                    piece.careful.store(careful, Relaxed);
                }
            }
        }
    }
}

/// A function of its own, because the loop is 1.04 times slower where it is inlined into the others.
#[inline(never)]
fn trained(stages: &Stages, arrays: Arrays<'_, &mut [Group]>, decays: bool, careful: &mut bool, turn: usize) {
    stages.run(arrays, decays, careful, &mut Scratch::new(), turn);
}

/// One chunk, for the host's threads: [`Parts::take`] of the parts at this address. It allocates nothing and touches no
/// `Global`.
///
/// # Safety
/// That of [`Parts::take`]; the address is that of living [`Parts`], to which this makes a reference: nobody has a `&mut`
/// to them meanwhile.
#[cfg_attr(target_arch = "wasm32", wasm_bindgen::prelude::wasm_bindgen)]
pub unsafe fn part(parts: usize, phase: u32, chunk: u32) {
    // SAFETY: by this function's contract.
    unsafe {
        let parts = &*core::ptr::with_exposed_provenance::<Parts>(parts);
        parts.take(Phase::from_code(phase), chunk as usize);
    }
}

/// Memory for the host alone: its threads' stacks and the words by which they are told what to do. It is never given back.
///
/// # Errors
/// [`OutOfMemory`] if there is no room.
pub fn leaked(bytes: usize) -> Result<usize, OutOfMemory> {
    let buffer = core::mem::ManuallyDrop::new(Buffer::zeroed(bytes.div_ceil(size_of::<f32>()))?);
    Ok(buffer.groups().as_ptr().expose_provenance())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::gradient::GradientDtype;
    use crate::testing::bits;
    use crate::{Handle, Hyperparameters, LossScale, Slot};
    use core::sync::atomic::AtomicUsize;
    use proptest::prelude::*;

    /// Does a step with this many threads. `None` if it was left to [`Optimizer::apply_scaled`] and the like.
    fn step(
        parts: &mut Parts,
        threads: usize,
        optimizer: &mut Optimizer,
        variables: &mut Variables,
        call: Call,
    ) -> Option<bool> {
        let mut phase = parts.begin(optimizer, variables, call);
        if phase == Phase::Over {
            return None;
        }
        while phase != Phase::Over {
            let chunks = AtomicUsize::new(0);
            let shared: &Parts = parts;
            std::thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        loop {
                            let chunk = chunks.fetch_add(1, Relaxed);
                            if chunk >= shared.chunks() {
                                break;
                            }
                            // SAFETY: each chunk once, of the phase that is on; the threads end with the scope.
                            unsafe { shared.take(phase, chunk) };
                        }
                    });
                }
            });
            phase = parts.next(optimizer);
        }
        Some(parts.is_finite())
    }

    struct World {
        variables: Variables,
        handles: Vec<Handle>,
        optimizer: Optimizer,
        scale: LossScale,
    }

    fn world(lengths: &[usize], hyperparameters: &Hyperparameters) -> World {
        let mut variables = Variables::new();
        let handles: Vec<Handle> = (lengths.iter().enumerate())
            .map(|(place, &len)| {
                let dtype = if place == 1 { GradientDtype::Float16 } else { GradientDtype::Float32 };
                let mut variable = Variable::zeroed_with(len, dtype).unwrap();
                if place == 2 {
                    variable = variable.overwritten_with_gradient();
                }
                variable.value_mut().iter_mut().enumerate().for_each(|(i, value)| *value = (i % 89) as f32 / 64.0);
                variables.insert(variable).unwrap()
            })
            .collect();
        let mut optimizer = Optimizer::build(hyperparameters.clone(), &handles, &variables).unwrap();
        optimizer.set_decays(0, false);
        World { variables, handles, optimizer, scale: LossScale::new(8.0, 2, 1.0, 64.0) }
    }

    impl World {
        fn set_gradients(&mut self, seed: u32, odd: bool) {
            let mut state = seed;
            for &handle in &self.handles {
                let variable = self.variables.get_mut(handle).unwrap();
                for (i, g) in variable.half_gradient_mut().iter_mut().enumerate() {
                    // All exponents but that of infinity.
                    *g = (seed as u16).wrapping_mul(31).wrapping_add(i as u16).wrapping_mul(2753) & 0xbbff;
                }
                for g in variable.gradient_mut() {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    *g = (state >> 8) as f32 / 8_388_608.0 - 1.0;
                    if odd && (state >> 8).trailing_zeros() >= 10 {
                        *g = f32::INFINITY;
                    }
                }
            }
        }

        fn bits(&self) -> Vec<u32> {
            let slots = (0..self.handles.len())
                .flat_map(|index| Slot::ALL.map(|slot| self.optimizer.slot(slot, index).unwrap_or(&[])));
            let values = self.handles.iter().map(|&handle| self.variables.get(handle).unwrap().value());
            let floats = slots.chain(values).flatten().copied().map(bits);
            let counts = [self.optimizer.raw_iterations, self.scale.scale.to_bits(), self.scale.counter as u32];
            floats.chain(counts).collect()
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// Steps in chunks, by any number of threads, have the bits of whole ones.
        #[test]
        fn cutting_does_not_change_bits(
            lengths in prop::collection::vec(prop_oneof![0usize..40, 100usize..3000], 1..6),
            (piece, chunk) in (128usize..600, 1usize..2000),
            threads in 1usize..4,
            (momentum, centered, use_ema, scaled) in any::<(bool, bool, bool, bool)>(),
            clip in 0u32..4,
            steps_per_update in prop::option::of(2u32..4),
            selections in prop::collection::vec(prop::option::of(0usize..5), 3..8),
        ) {
            let hyperparameters = Hyperparameters {
                momentum: if momentum { 0.9 } else { 0.0 },
                centered,
                use_ema,
                ema_overwrite_frequency: use_ema.then_some(3.0),
                weight_decay: Some(0.01),
                clipnorm: (clip == 1).then_some(0.5),
                global_clipnorm: (clip == 2).then_some(0.5),
                clipvalue: (clip == 3).then_some(0.5),
                gradient_accumulation_steps: steps_per_update.map(f64::from),
                ..Hyperparameters::default()
            };
            let [mut whole, mut cut] = [(); 2].map(|()| world(&lengths, &hyperparameters));
            let mut parts = Parts::new(&cut.optimizer, &cut.variables, Cut { piece, chunk, least: 0 }).unwrap().unwrap();
            for (turn, selected) in selections.into_iter().enumerate() {
                let selected = selected.filter(|&selected| selected <= lengths.len());
                for world in [&mut whole, &mut cut] {
                    world.set_gradients(turn as u32, scaled && turn % 3 == 1);
                    for position in 0..selected.unwrap_or(0) {
                        world.optimizer.select(position, lengths.len() - 1 - position);
                    }
                }
                let call = Call { learning_rate: 0.01, loss_scale: None, selected };
                if scaled {
                    whole.optimizer.apply_scaled(&mut whole.variables, &mut whole.scale, call).unwrap();
                    let call = Call { loss_scale: Some(cut.scale.scale), ..call };
                    match step(&mut parts, threads, &mut cut.optimizer, &mut cut.variables, call) {
                        Some(finite) => cut.scale.record(finite),
                        None => {
                            cut.optimizer.apply_scaled(&mut cut.variables, &mut cut.scale, call).unwrap();
                        }
                    }
                } else {
                    whole.optimizer.apply(&mut whole.variables, call).unwrap();
                    if step(&mut parts, threads, &mut cut.optimizer, &mut cut.variables, call).is_none() {
                        cut.optimizer.apply(&mut cut.variables, call).unwrap();
                    }
                }
                prop_assert_eq!(cut.bits(), whole.bits());
            }
        }
    }

    #[test]
    fn chunks_hold_each_element_once_and_are_neither_too_small_nor_too_large() {
        for lengths in [&[60_000][..], &[1_000_000, 3, 0, 77], &[200; 1000], &[8193, 8192, 60_000]] {
            let world = world(lengths, &Hyperparameters::default());
            let parts = Parts::new(&world.optimizer, &world.variables, Cut::BEST).unwrap().unwrap();
            let mut ends = vec![0; lengths.len()];
            for piece in parts.chunks.iter().flat_map(|chunk| &parts.pieces[chunk.clone()]) {
                assert_eq!(piece.elements.start, std::mem::replace(&mut ends[piece.row], piece.elements.end));
            }
            assert_eq!(ends, lengths);
            let sizes = parts
                .chunks
                .iter()
                .map(|chunk| parts.pieces[chunk.clone()].iter().map(|piece| piece.elements.len()).sum::<usize>());
            let sizes: Vec<usize> = sizes.collect();
            assert!(sizes.iter().all(|&size| size < Cut::BEST.chunk + Cut::BEST.piece));
            assert!(sizes[..sizes.len() - 1].iter().all(|&size| size >= Cut::BEST.chunk));
        }
    }

    #[test]
    fn small_optimizers_are_not_cut() {
        let world = world(&[1000, 5], &Hyperparameters::default());
        assert!(Parts::new(&world.optimizer, &world.variables, Cut::BEST).unwrap().is_none());
    }

    #[test]
    fn variables_that_were_not_cut_leave_the_step_to_the_whole() {
        let cut = world(&[300, 40], &Hyperparameters::default());
        let mut parts =
            Parts::new(&cut.optimizer, &cut.variables, Cut { piece: 128, chunk: 1, least: 0 }).unwrap().unwrap();
        let call = Call { learning_rate: 0.1, loss_scale: None, selected: None };
        for lengths in [&[300, 41][..], &[300, 39], &[292, 40], &[300], &[300, 40, 1], &[40, 300]] {
            let mut other = world(lengths, &Hyperparameters::default());
            assert_eq!(step(&mut parts, 2, &mut other.optimizer, &mut other.variables, call), None, "{lengths:?}");
        }
    }

    #[test]
    fn a_freed_variable_leaves_the_step_to_the_whole_which_reports_it() {
        let mut world = world(&[300, 300], &Hyperparameters::default());
        let cut = Cut { piece: 128, chunk: 1, least: 0 };
        let mut parts = Parts::new(&world.optimizer, &world.variables, cut).unwrap().unwrap();
        world.variables.remove(world.handles[1]);
        let call = Call { learning_rate: 0.1, loss_scale: None, selected: None };
        assert_eq!(step(&mut parts, 2, &mut world.optimizer, &mut world.variables, call), None);
    }
}
