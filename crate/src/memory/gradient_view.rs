//! Reading a gradient as float32, whatever its type.
//!
//! A step widens 16 bits a block at a time, into memory that stays in the first-level cache; the bits are those of widening
//! the whole gradient first.

use crate::arith::group::{Group, flat};
use crate::arith::half::{HalfGroup, widen_bfloat16, widen_float16};

/// The elements of a gradient, or a range of them, in groups.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GradientView<'a> {
    Float32(&'a [Group]),
    Float16(&'a [HalfGroup]),
    Bfloat16(&'a [HalfGroup]),
}

impl<'a> GradientView<'a> {
    /// Groups `from..to` in float32: the array's own, or widened into `widened`.
    #[inline]
    pub fn float32(self, from: usize, to: usize, widened: &'a mut [Group]) -> &'a [Group] {
        match self {
            Self::Float32(elements) => &elements[from..to],
            Self::Float16(elements) => widen_float16(&elements[from..to], widened),
            Self::Bfloat16(elements) => widen_bfloat16(&elements[from..to], widened),
        }
    }

    /// Groups in the view.
    pub fn len_in_groups(self) -> usize {
        match self {
            Self::Float32(elements) => elements.len(),
            Self::Float16(elements) | Self::Bfloat16(elements) => elements.len(),
        }
    }

    /// Calls `work` with the offset and the float32 groups of one block after another: one of all elements if they are float32
    /// already, otherwise as many as `widened` holds.
    #[inline(never)]
    pub fn for_each_block(self, widened: &mut [Group], work: &mut dyn FnMut(usize, &[Group])) {
        let (len, capacity) = (self.len_in_groups(), widened.len());
        let block_len = if let Self::Float32(_) = self { len } else { capacity };
        let mut from = 0;
        while from < len {
            let to = len.min(from + block_len);
            work(from, self.float32(from, to, widened));
            from = to;
        }
    }

    /// Whether no element is infinite or `NaN`.
    pub fn all_finite(self, widened: &mut [Group]) -> bool {
        // Without a closure: 1.1× faster on 1,000 tensors of 8 under a loss scale.
        if let Self::Float32(elements) = self {
            return floats_are_finite(flat(elements));
        }
        let mut finite = true;
        self.for_each_block(widened, &mut |_, block| finite &= floats_are_finite(flat(block)));
        finite
    }
}

/// Whether no element is infinite or `NaN`. Works on the exponent bits, without a branch per element.
#[inline(never)]
fn floats_are_finite(x: &[f32]) -> bool {
    const EXPONENT: u32 = 0x7f80_0000;
    x.iter().fold(true, |finite, x| finite & (x.to_bits() & EXPONENT != EXPONENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::group::WIDTH;
    use crate::memory::gradient::{Gradient, GradientDtype};
    use proptest::prelude::*;

    #[test]
    fn every_pattern_of_16_bits_is_finite_if_its_float32_is() {
        for dtype in [GradientDtype::Float16, GradientDtype::Bfloat16] {
            // In the second block, and not at its beginning.
            let mut gradient = Gradient::zeroed(2 * WIDTH, dtype).unwrap();
            let index = WIDTH + WIDTH / 2;
            for bits in 0..=u16::MAX {
                gradient.halves_mut()[index] = bits;
                let mut widened = [Group::ZERO; 2];
                let expected = flat(gradient.view().float32(0, 2, &mut widened))[index].is_finite();
                assert_eq!(gradient.view().all_finite(&mut [Group::ZERO]), expected, "{dtype:?} {bits:04x}");
            }
        }
    }

    proptest! {
        #[test]
        fn all_finite_is_what_it_says(bits in prop::collection::vec(any::<u32>(), 0..40)) {
            let floats: Vec<f32> = bits.into_iter().map(f32::from_bits).collect();
            prop_assert_eq!(floats_are_finite(&floats), floats.iter().all(|x| x.is_finite()));
        }
    }
}
