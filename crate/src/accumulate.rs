//! Gradients on their way to the update: divided by the loss scale, then summed over calls and averaged.

/// What happens to a gradient before it is clipped.
#[derive(Clone, Copy, Debug, Default)]
pub struct Preparation {
    /// Loss scale to divide by.
    pub loss_scale: Option<f32>,
    /// Number of accumulated calls to average over, in the call that updates.
    pub steps: Option<f32>,
}

impl Preparation {
    /// The block of gradients the update sees: `g / loss_scale`, then `(g + accumulator) / steps`. Uses `scratch` only
    /// if there is something to do; the gradient itself is never written to.
    #[inline]
    pub fn block<'a>(self, gradient: &'a [f32], accumulator: &[f32], scratch: &'a mut [f32]) -> &'a [f32] {
        match (self.loss_scale, self.steps) {
            (None, None) => return gradient,
            (Some(scale), None) => {
                for (out, g) in scratch.iter_mut().zip(gradient) {
                    *out = g / scale;
                }
            }
            (None, Some(steps)) => {
                for ((out, g), sum) in scratch.iter_mut().zip(gradient).zip(accumulator) {
                    *out = (g + sum) / steps;
                }
            }
            (Some(scale), Some(steps)) => {
                for ((out, g), sum) in scratch.iter_mut().zip(gradient).zip(accumulator) {
                    *out = (g / scale + sum) / steps;
                }
            }
        }
        &scratch[..gradient.len()]
    }
}

/// `accumulator ← g / loss_scale + accumulator`, in the calls that do not update.
#[inline]
pub fn accumulate(loss_scale: Option<f32>, gradient: &[f32], accumulator: &mut [f32]) {
    if let Some(scale) = loss_scale {
        for (sum, g) in accumulator.iter_mut().zip(gradient) {
            *sum += g / scale;
        }
    } else {
        for (sum, g) in accumulator.iter_mut().zip(gradient) {
            *sum += g;
        }
    }
}

/// `maximum(g, accumulator)` as NumPy has it: `NaN` in either wins, and of two zeros the accumulator. What Keras
/// accumulates for a variable that is overwritten with its gradient; the accumulator starts at 0, so negative gradients
/// become 0 (a quirk of Keras).
#[inline]
pub fn maximum(g: f32, accumulator: f32) -> f32 {
    if g > accumulator || g.is_nan() { g } else { accumulator }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gradient_is_passed_on_untouched_when_there_is_nothing_to_do() {
        let gradient = [1.0, 2.0];
        let block = Preparation::default().block(&gradient, &[], &mut []).as_ptr();
        assert_eq!(block, gradient.as_ptr());
    }

    #[test]
    fn maximum_propagates_nan_from_either_side() {
        assert!(maximum(f32::NAN, 1.0).is_nan());
        assert!(maximum(1.0, f32::NAN).is_nan());
        assert_eq!(maximum(-1.0, 0.0), 0.0);
        assert_eq!(maximum(2.0, 1.0), 2.0);
        assert_eq!(maximum(-0.0, 0.0).to_bits(), 0.0_f32.to_bits());
    }
}
