//! The update rule: Keras' RMSprop for one element, and the loop that carries it over a block.
//!
//! Keras 3.15.1, `optimizers/rmsprop.py`, after G. Hinton, *Neural Networks for Machine Learning*, lecture 6e (2012);
//! the centered form is that of A. Graves, *Generating Sequences With Recurrent Neural Networks* (2013), eq. 38-45:
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
//! Each operation is one float32 operation rounded to nearest, in this order, never fused: that is what makes the bits
//! those of Keras on every engine. The compiler turns the loops into `f32x4` code; lanes do not change results.

use crate::config::Hyperparameters;
use crate::machine::sqrt;

/// The scalars of the rule, rounded to float32 the way Keras rounds them.
#[derive(Clone, Copy, Debug)]
pub struct Coefficients {
    /// ρ
    pub rho: f32,
    /// 1-ρ, subtracted in float64 and then rounded: for ρ = 0.9 it is not `1.0 - 0.9_f32`.
    pub one_minus_rho: f32,
    /// ε
    pub epsilon: f32,
    /// μ
    pub momentum: f32,
}

impl Coefficients {
    /// The scalars for these hyper-parameters.
    pub fn new(hyperparameters: &Hyperparameters) -> Self {
        Self {
            rho: hyperparameters.rho as f32,
            one_minus_rho: (1.0 - hyperparameters.rho) as f32,
            epsilon: hyperparameters.epsilon as f32,
            momentum: hyperparameters.momentum as f32,
        }
    }
}

/// One parameter and its state; fields a variant does not use stay as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Element {
    /// w, the parameter
    value: f32,
    /// v, the moving average of squared gradients
    velocity: f32,
    /// a, the moving average of gradients
    average_gradient: f32,
    /// m, the momentum buffer; the learning rate is inside it
    momentum: f32,
}

/// The rule of the file's header for one element with gradient `g` and learning rate `eta`.
#[inline]
fn rmsprop<const CENTERED: bool, const MOMENTUM: bool>(
    c: Coefficients,
    eta: f32,
    g: f32,
    Element { value: w, velocity: v, average_gradient: a, momentum: m }: Element,
) -> Element {
    let v = c.rho * v + c.one_minus_rho * (g * g);
    let (a, d) = if CENTERED {
        let a = c.rho * a + c.one_minus_rho * g;
        (a, positive_or((v - a * a) + c.epsilon, c.epsilon))
    } else {
        (a, v + c.epsilon)
    };
    let increment = (eta * g) / sqrt(d);
    let (m, w) = if MOMENTUM {
        let m = c.momentum * m + increment;
        (m, w - m)
    } else {
        (m, w - increment)
    };
    Element { value: w, velocity: v, average_gradient: a, momentum: m }
}

/// `d`, or `epsilon` where rounding made the estimated variance cancel to 0 or below: there Keras divides by NaN or 0
/// (constant gradients in [1, 2) with default options reach it after about 131 steps). `NaN` passes through.
#[inline]
fn positive_or(d: f32, epsilon: f32) -> f32 {
    if d <= 0.0 { epsilon } else { d }
}

/// A block of parameters and state, one slice per array; `None` for a slot that is not in use.
pub struct Block<'a> {
    /// w
    pub value: &'a mut [f32],
    /// v
    pub velocity: &'a mut [f32],
    /// a, if centered
    pub average_gradient: Option<&'a mut [f32]>,
    /// m, with momentum
    pub momentum: Option<&'a mut [f32]>,
}

/// Updates a block with its gradient at learning rate `eta`.
#[inline]
pub fn update(c: Coefficients, eta: f32, gradient: &[f32], block: Block<'_>) {
    let Block { value, velocity, average_gradient, momentum } = block;
    match (average_gradient, momentum) {
        (None, None) => each::<false, false>(c, eta, gradient, value, velocity, &mut [], &mut []),
        (None, Some(m)) => each::<false, true>(c, eta, gradient, value, velocity, &mut [], m),
        (Some(a), None) => each::<true, false>(c, eta, gradient, value, velocity, a, &mut []),
        (Some(a), Some(m)) => each::<true, true>(c, eta, gradient, value, velocity, a, m),
    }
}

/// The loop. The slices are cut to one length first, so that the compiler sees no bounds to check and vectorizes.
#[inline(never)]
fn each<const CENTERED: bool, const MOMENTUM: bool>(
    c: Coefficients,
    eta: f32,
    gradient: &[f32],
    value: &mut [f32],
    velocity: &mut [f32],
    average_gradient: &mut [f32],
    momentum: &mut [f32],
) {
    let len = gradient.len();
    let value = &mut value[..len];
    let velocity = &mut velocity[..len];
    let average_gradient = &mut average_gradient[..if CENTERED { len } else { 0 }];
    let momentum = &mut momentum[..if MOMENTUM { len } else { 0 }];
    for i in 0..len {
        let element = rmsprop::<CENTERED, MOMENTUM>(
            c,
            eta,
            gradient[i],
            Element {
                value: value[i],
                velocity: velocity[i],
                average_gradient: if CENTERED { average_gradient[i] } else { 0.0 },
                momentum: if MOMENTUM { momentum[i] } else { 0.0 },
            },
        );
        value[i] = element.value;
        velocity[i] = element.velocity;
        if CENTERED {
            average_gradient[i] = element.average_gradient;
        }
        if MOMENTUM {
            momentum[i] = element.momentum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn coefficients() -> Coefficients {
        Coefficients::new(&Hyperparameters::default())
    }

    #[test]
    fn one_minus_rho_is_rounded_once() {
        assert_eq!(coefficients().one_minus_rho.to_bits(), 0x3dcc_cccd);
        assert_ne!(1.0 - coefficients().rho, coefficients().one_minus_rho);
    }

    #[test]
    fn first_step_of_the_documentation_of_keras() {
        // d(w²/2)/dw = w = 10, learning rate 0.1: v = 0.1·100 = 10, w = 10 - 0.1·10/√10
        let element = Element { value: 10.0, ..Element::default() };
        let updated = rmsprop::<false, false>(coefficients(), 0.1, 10.0, element);
        assert_eq!(updated.value.to_bits(), 0x411a_f0bb);
        assert_eq!(updated.velocity, 10.0);
    }

    #[test]
    fn cancellation_in_centered_is_not_nan() {
        let mut element = Element::default();
        for _ in 0..2000 {
            element = rmsprop::<true, false>(coefficients(), 0.001, 1.2345, element);
            assert!(element.value.is_finite());
        }
        let nan = rmsprop::<true, false>(coefficients(), 0.001, f32::NAN, element);
        assert!(nan.value.is_nan());
    }

    fn any_float() -> impl Strategy<Value = f32> {
        // Half of them plain, half of them any bit pattern: subnormals, infinities, NaN.
        prop_oneof![-2.0f32..2.0, any::<u32>().prop_map(f32::from_bits)]
    }

    fn bits(x: f32) -> u32 {
        if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }
    }

    proptest! {
        /// The vectorized loop gives each element the bits of the scalar rule, whatever the length and neighbours.
        #[test]
        fn lanes_do_not_change_bits(
            elements in prop::collection::vec((any_float(), any_float(), any_float(), any_float(), any_float()), 0..70),
            centered: bool,
            momentum: bool,
        ) {
            let c = Coefficients::new(&Hyperparameters { momentum: 0.9, ..Hyperparameters::default() });
            let column = |pick: fn(&(f32, f32, f32, f32, f32)) -> f32| elements.iter().map(pick).collect::<Vec<_>>();
            let g = column(|e| e.0);
            let (mut w, mut v, mut a, mut m) = (column(|e| e.1), column(|e| e.2), column(|e| e.3), column(|e| e.4));
            let expected: Vec<Element> = elements.iter().map(|&(g, value, velocity, average_gradient, momentum_buffer)| {
                let element = Element { value, velocity, average_gradient, momentum: momentum_buffer };
                match (centered, momentum) {
                    (false, false) => rmsprop::<false, false>(c, 0.01, g, element),
                    (false, true) => rmsprop::<false, true>(c, 0.01, g, element),
                    (true, false) => rmsprop::<true, false>(c, 0.01, g, element),
                    (true, true) => rmsprop::<true, true>(c, 0.01, g, element),
                }
            }).collect();
            update(c, 0.01, &g, Block {
                value: &mut w,
                velocity: &mut v,
                average_gradient: centered.then_some(&mut a[..]),
                momentum: momentum.then_some(&mut m[..]),
            });
            for (i, element) in expected.iter().enumerate() {
                prop_assert_eq!(bits(w[i]), bits(element.value));
                prop_assert_eq!(bits(v[i]), bits(element.velocity));
                prop_assert_eq!(bits(a[i]), bits(element.average_gradient));
                prop_assert_eq!(bits(m[i]), bits(element.momentum));
            }
        }
    }
}
