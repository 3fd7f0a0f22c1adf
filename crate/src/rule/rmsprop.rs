//! The update rule: Keras' RMSprop.
//!
//! Keras 3.15.1, `optimizers/rmsprop.py`, `update_step`, after G. Hinton, *Neural Networks for Machine Learning*, lecture 6e
//! (2012); the centered form is that of A. Graves, *Generating Sequences With Recurrent Neural Networks* (2013), eq. 38-45:
//!
//! ```text
//! v ← ρ·v + (1-ρ)·g²
//! a ← ρ·a + (1-ρ)·g                      centered only
//! d = v + ε          or   (v - a²) + ε   centered
//! Δ = η·g / √d
//! m ← μ·m + Δ,  w ← w - m                with momentum
//!               w ← w - Δ                without
//! ```
//!
//! In PyTorch (2.15, `torch/optim/rmsprop.py`), ε is outside the root, `Δ = η·g / (√d + ε)` with `d = v` or `v - a²`, and
//! η is outside the momentum buffer, `m ← μ·m + g / (√d + ε)`, `w ← w - η·m`. Each of the two can be chosen by itself. The
//! three combinations that are not Keras' are one formula with two ε and two η, one of each neutral.

use crate::arith::decay::Decay;
use crate::arith::lanes::Lanes;
use crate::config::{EpsilonMode, Hyperparameters, MomentumMode};

/// The scalars of the rule in one call, rounded to float32 the way Keras rounds them.
#[derive(Clone, Copy, Debug)]
pub struct Coefficients {
    /// η
    pub eta: f32,
    /// ρ
    pub rho: Decay,
    /// 1-ρ, subtracted in float64 and then rounded: for ρ = 0.9 it is not `1.0 - 0.9_f32`.
    pub one_minus_rho: f32,
    /// ε under the root; -0 if it is outside.
    pub epsilon: f32,
    /// ε outside the root; -0 if it is under it.
    epsilon_outside: f32,
    /// μ
    pub momentum: Decay,
    /// η in the momentum buffer; 1 if it is behind it.
    eta_inside: f32,
    /// η behind the momentum buffer; 1 if it is in it.
    eta_outside: f32,
    momentum_mode: MomentumMode,
    /// Whether a is used.
    pub centered: bool,
    /// Whether m is used.
    pub has_momentum: bool,
    /// Whether ε and η are where Keras has them.
    pub are_keras: bool,
}

/// The neutral element of addition: x + (-0) has the bits of x, also for x = -0.
const NEG_ZERO: f32 = -0.0;

impl Coefficients {
    /// The scalars for these hyper-parameters at learning rate `eta`.
    pub fn new(hyperparameters: &Hyperparameters, eta: f32) -> Self {
        let epsilon = hyperparameters.epsilon as f32;
        let (epsilon_mode, momentum_mode) = (hyperparameters.epsilon_mode, hyperparameters.momentum_mode);
        let (epsilon, epsilon_outside) = match epsilon_mode {
            EpsilonMode::Inside => (epsilon, NEG_ZERO),
            EpsilonMode::Outside => (NEG_ZERO, epsilon),
        };
        let mut coefficients = Self {
            eta,
            rho: Decay::new(hyperparameters.rho as f32),
            one_minus_rho: (1.0 - hyperparameters.rho) as f32,
            epsilon,
            epsilon_outside,
            momentum: Decay::new(hyperparameters.momentum as f32),
            eta_inside: 1.0,
            eta_outside: 1.0,
            momentum_mode,
            centered: hyperparameters.centered,
            has_momentum: hyperparameters.has_momentum(),
            are_keras: epsilon_mode == EpsilonMode::Inside && momentum_mode == MomentumMode::Keras,
        };
        coefficients.set_rate(eta);
        coefficients
    }

    /// Makes them those of learning rate `eta`.
    pub fn set_rate(&mut self, eta: f32) {
        self.eta = eta;
        match self.momentum_mode {
            MomentumMode::Keras => self.eta_inside = eta,
            MomentumMode::Torch => self.eta_outside = eta,
        }
    }
}

/// A parameter and its state; what a variant does not use stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Element<L = f32> {
    /// w, the parameter
    pub value: L,
    /// v, the moving average of squared gradients
    pub velocity: L,
    /// a, the moving average of gradients
    pub average_gradient: L,
    /// m, the momentum buffer
    pub momentum: L,
}

/// The rule above for gradient `g`. `KERAS` is `c.are_keras`.
#[inline]
pub fn rmsprop<L: Lanes, const CENTERED: bool, const MOMENTUM: bool, const KERAS: bool>(
    c: Coefficients,
    g: L,
    Element { value: w, velocity: v, average_gradient: a, momentum: m }: Element<L>,
) -> Element<L> {
    let v = v * c.rho + (g * g) * c.one_minus_rho;
    let (a, d) = if CENTERED {
        let a = a * c.rho + g * c.one_minus_rho;
        (a, v.zip_lanes(a.square(), |v, a_squared| denominator(v, a_squared, c.epsilon)))
    } else {
        (a, v + c.epsilon)
    };
    let increment = if KERAS {
        (g * c.eta).div_sqrt(d)
    } else {
        // Without a momentum buffer, η can only be where Keras has it.
        let eta = if MOMENTUM { c.eta_inside } else { c.eta };
        (g * eta) / (d.sqrt() + c.epsilon_outside)
    };
    let (m, w) = if MOMENTUM {
        let m = m * c.momentum + increment;
        (m, w - if KERAS { m } else { m * c.eta_outside })
    } else {
        (m, w - increment)
    };
    Element { value: w, velocity: v, average_gradient: a, momentum: m }
}

/// `(v - a²) + ε`, or `ε` where rounding made the estimated variance cancel, so that this is 0 or below: there Keras divides by
/// NaN or 0 (constant gradients in [1, 2) with default options reach it after about 131 steps). `NaN` passes through. With ε
/// outside the root, `epsilon` is -0 here, so the result is 0; PyTorch takes the root of a negative number.
///
/// Written as `ε - (a² - v)`, which has the same bits, since negation is exact; where both ε and a² overflow it is ε instead of
/// `NaN`.
#[inline]
pub fn denominator(v: f32, a_squared: f32, epsilon: f32) -> f32 {
    let excess = a_squared - v;
    epsilon - if excess >= epsilon { 0.0 } else { excess }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{any_float, bits};
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(50_000))]
        /// The denominator has the bits of its formula.
        #[test]
        fn denominators_are_those_of_the_formula(
            v in any_float(),
            a_squared in any_float(),
            epsilon in prop_oneof![any_float(), Just(1e-7), Just(0.0), Just(-0.0), Just(-1e-3)],
            near: bool,
        ) {
            // Often next to cancelling.
            let v = if near { f32::from_bits((a_squared - epsilon).to_bits().wrapping_add(v.to_bits() % 3)) } else { v };
            prop_assume!(epsilon.is_finite());
            let d = (v - a_squared) + epsilon;
            prop_assert_eq!(bits(denominator(v, a_squared, epsilon)), bits(if d <= 0.0 { epsilon } else { d }));
        }
    }

    fn coefficients(eta: f32) -> Coefficients {
        Coefficients::new(&Hyperparameters::default(), eta)
    }

    #[test]
    fn one_minus_rho_is_rounded_once() {
        let c = coefficients(0.1);
        assert_eq!(c.one_minus_rho.to_bits(), 0x3dcc_cccd);
        assert_ne!(1.0 - c.rho.factor, c.one_minus_rho);
    }

    #[test]
    fn first_step_of_the_documentation_of_keras() {
        // d(w²/2)/dw = w = 10, learning rate 0.1: v = 0.1·100 = 10, w = 10 - 0.1·10/√10
        let element = Element { value: 10.0, ..Element::default() };
        let updated = rmsprop::<f32, false, false, true>(coefficients(0.1), 10.0, element);
        assert_eq!(updated.value.to_bits(), 0x411a_f0bb);
        assert_eq!(updated.velocity, 10.0);
    }

    #[test]
    fn cancellation_in_centered_is_not_nan() {
        let mut element = Element::default();
        for _ in 0..2000 {
            element = rmsprop::<f32, true, false, true>(coefficients(0.001), 1.2345, element);
            assert!(element.value.is_finite());
        }
        let nan = rmsprop::<f32, true, false, true>(coefficients(0.001), f32::NAN, element);
        assert!(nan.value.is_nan());
    }
}
