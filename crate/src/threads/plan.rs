//! How a step is cut: variables into pieces, pieces into chunks.

use crate::arith::group::{WIDTH, group_count};
use crate::arith::pairwise_sum::pairwise;
use crate::arith::subnormal::SmallNumbers;
use crate::memory::buffer::{OutOfMemory, reserved};
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::Ordering::Relaxed;
use core::sync::atomic::{AtomicBool, AtomicU8, AtomicU32};

/// Sizes in numbers of parameters.
#[derive(Clone, Copy, Debug)]
pub struct ChunkPlan {
    /// A variable is cut into pieces of at most this, where NumPy's pairwise sum cuts: at least 128.
    pub piece: usize,
    /// A chunk, what a thread takes at once, has at least this (but for the last one): small variables share one.
    pub chunk: usize,
    /// Steps over fewer parameters are not cut at all.
    pub least: usize,
}

impl ChunkPlan {
    /// The measured optimum: a chunk takes 3 to 5 µs, and handing a step to a thread that is awake takes 0.3 µs.
    pub const BEST: Self = Self { piece: 8192, chunk: 6144, least: 60_000 };
}

/// A range of a variable, and what was gathered from its gradient.
pub struct Piece {
    pub variable: usize,
    pub elements: Range<usize>,
    pub sum_of_squares: AtomicU32,
    pub finite: AtomicBool,
    /// As [`Tracked::small`](crate::step::variable::Tracked::small), as its number.
    pub small: AtomicU8,
}

impl Piece {
    fn new(variable: usize, elements: Range<usize>) -> Self {
        Self {
            variable,
            elements,
            sum_of_squares: AtomicU32::new(0),
            finite: AtomicBool::new(true),
            small: AtomicU8::new(0),
        }
    }

    /// The small numbers that the last scan met.
    pub fn small(&self) -> SmallNumbers {
        SmallNumbers::from_number(self.small.load(Relaxed))
    }

    /// Its groups. Cuts are at multiples of 8, so no group is in two pieces.
    pub fn group_range(&self) -> Range<usize> {
        self.elements.start / WIDTH..group_count(self.elements.end)
    }
}

/// The pieces of a step, and the chunks that they form: each element is in one piece, each piece in one chunk.
pub struct Chunks {
    /// In the order of the variables, and of a variable's elements.
    pieces: Vec<Piece>,
    /// The pieces of each chunk.
    ranges: Vec<Range<usize>>,
    /// The longest piece.
    longest: usize,
}

impl Chunks {
    /// Cuts variables of these lengths; `None` if that is not worth it.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no room for the lists.
    pub fn new(lengths: impl Iterator<Item = usize> + Clone, plan: ChunkPlan) -> Result<Option<Self>, OutOfMemory> {
        if lengths.clone().sum::<usize>() < plan.least {
            return Ok(None);
        }
        // A range longer than `piece` is halved at a multiple of 8, so every piece has more than `piece / 2 - 8` elements.
        let at_most = lengths.clone().map(|len| 1 + 2 * len / (plan.piece - 16)).sum();
        let mut pieces = reserved(at_most)?;
        for (variable, len) in lengths.enumerate() {
            pairwise(0, len, plan.piece, &mut |from, len| {
                pieces.push(Piece::new(variable, from..from + len));
                0.0
            });
        }
        let mut ranges: Vec<Range<usize>> = reserved(pieces.len())?;
        let mut room = 0;
        for (index, piece) in pieces.iter().enumerate() {
            match ranges.last_mut() {
                Some(chunk) if room > 0 => chunk.end = index + 1,
                _ => {
                    ranges.push(index..index + 1);
                    room = plan.chunk;
                }
            }
            room = room.saturating_sub(piece.elements.len());
        }
        Ok(Some(Self { pieces, ranges, longest: plan.piece }))
    }

    /// How many chunks.
    pub fn chunk_count(&self) -> usize {
        self.ranges.len()
    }

    /// All pieces.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The pieces of a chunk, with their indices; none, if there is no such chunk.
    pub fn pieces_of(&self, chunk: usize) -> impl Iterator<Item = (usize, &Piece)> {
        let range = self.ranges.get(chunk).cloned().unwrap_or_default();
        range.clone().zip(&self.pieces[range])
    }

    /// Adds up `sum` of each of a variable's pieces, in the order of NumPy's pairwise sum.
    pub fn sum_over(&self, variable: usize, sum: impl Fn(&Piece) -> f32) -> f32 {
        let first = self.pieces.partition_point(|piece| piece.variable < variable);
        let end = self.pieces.partition_point(|piece| piece.variable <= variable);
        let pieces = &self.pieces[first..end];
        let len = pieces.last().map_or(0, |piece| piece.elements.end);
        let mut sums = pieces.iter().map(sum);
        pairwise(0, len, self.longest, &mut |_, _| sums.next().unwrap_or(0.0))
    }

    /// Whether these are the lengths of the variables that were cut.
    pub fn fit(&self, lengths: impl Iterator<Item = usize>) -> bool {
        let mut pieces = self.pieces.iter().peekable();
        let mut fits = |(variable, len): (usize, usize)| {
            let mut end = 0;
            while let Some(piece) = pieces.next_if(|piece| piece.variable == variable) {
                end = piece.elements.end;
            }
            end == len
        };
        lengths.enumerate().all(&mut fits) && pieces.next().is_none()
    }
}
