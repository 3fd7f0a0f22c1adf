//! Decay by one factor, step after step, and where it ends: at numbers that it rounds back to themselves.

use core::ops::Mul;

/// A factor by which state decays in every step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decay {
    /// The factor.
    pub factor: f32,
    /// Bits below which magnitudes are stuck: multiplied by the factor they round back to themselves.
    stuck_below: u32,
}

impl Decay {
    /// The decay by this factor. `factor · n·2⁻¹⁴⁹` rounds back to `n·2⁻¹⁴⁹` if n·|1 − factor| < 1/2; nothing is stuck if the
    /// factor is negative or not finite.
    pub fn new(factor: f32) -> Self {
        if !(factor.is_finite() && factor.is_sign_positive()) {
            return Self { factor, stuck_below: 0 };
        }
        let bound = (0.5 / (1.0 - f64::from(factor)).abs()).min(f64::from(f32::MIN_POSITIVE.to_bits()));
        // Rounded up, without a call.
        let below = bound as u32;
        Self { factor, stuck_below: below + u32::from(f64::from(below) < bound) }
    }

    /// The smallest bits that are not stuck.
    #[inline]
    pub fn stuck_below(self) -> u32 {
        self.stuck_below
    }
}

impl Mul<Decay> for f32 {
    type Output = Self;

    #[inline]
    fn mul(self, decay: Decay) -> Self {
        self * decay.factor
    }
}
