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
//! In `PyTorch` (2.15, `torch/optim/rmsprop.py`), ε is outside the root, `Δ = η·g / (√d + ε)` with `d = v` or `v - a²`, and
//! η is outside the momentum buffer, `m ← μ·m + g / (√d + ε)`, `w ← w - η·m`. Of the four mixtures, those that are not
//! Keras' are one formula with two ε and two η, of which one is neutral. Keras' own has no room for them: another sum and
//! another product per element take 1.04 to 1.09 times as long.
//!
//! Each operation is one float32 operation rounded to nearest, in this order, never fused: that is what makes the bits
//! those of Keras on every engine. The compiler turns the loops into `f32x4` code; lanes do not change results.

use crate::config::{EpsilonMode, Hyperparameters, MomentumMode};
use crate::lanes::{Group, apply_with, flat, flat_mut};
use crate::machine::sqrt;
use crate::subnormal::{Careful, Exponent, Four, SMALLEST, any_below, by_fours, four, map, put, shrinks};

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
    /// Where ε is.
    pub epsilon_mode: EpsilonMode,
    /// Where η is.
    pub momentum_mode: MomentumMode,
}

/// ε and η in the places where they can be.
#[derive(Clone, Copy, Debug)]
struct Places {
    epsilon_inside: f32,
    epsilon_outside: f32,
    rate_inside: f32,
    rate_outside: f32,
}

/// Added to a number, also to -0, it leaves every bit: +0 would not.
const NOTHING: f32 = -0.0;

impl Coefficients {
    /// The scalars for these hyper-parameters.
    pub fn new(hyperparameters: &Hyperparameters) -> Self {
        Self {
            rho: hyperparameters.rho as f32,
            one_minus_rho: (1.0 - hyperparameters.rho) as f32,
            epsilon: hyperparameters.epsilon as f32,
            momentum: hyperparameters.momentum as f32,
            epsilon_mode: hyperparameters.epsilon_mode,
            momentum_mode: hyperparameters.momentum_mode,
        }
    }

    /// Whether ε and η are where Keras has them.
    fn are_keras(&self) -> bool {
        self.epsilon_mode == EpsilonMode::Inside && self.momentum_mode == MomentumMode::Keras
    }

    /// ε and η in their places, and what is neutral in the others.
    #[inline]
    fn places(&self, eta: f32) -> Places {
        let (epsilon_inside, epsilon_outside) = match self.epsilon_mode {
            EpsilonMode::Inside => (self.epsilon, NOTHING),
            EpsilonMode::Outside => (NOTHING, self.epsilon),
        };
        let (rate_inside, rate_outside) = match self.momentum_mode {
            MomentumMode::Keras => (eta, 1.0),
            MomentumMode::Torch => (1.0, eta),
        };
        Places { epsilon_inside, epsilon_outside, rate_inside, rate_outside }
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
fn rmsprop<const CENTERED: bool, const MOMENTUM: bool, const KERAS: bool>(
    c: Coefficients,
    eta: f32,
    places: Places,
    g: f32,
    Element { value: w, velocity: v, average_gradient: a, momentum: m }: Element,
) -> Element {
    let v = c.rho * v + c.one_minus_rho * (g * g);
    let epsilon = if KERAS { c.epsilon } else { places.epsilon_inside };
    let (a, d) = if CENTERED {
        let a = c.rho * a + c.one_minus_rho * g;
        (a, positive_or((v - a * a) + epsilon, epsilon))
    } else {
        (a, v + epsilon)
    };
    let root = if KERAS { sqrt(d) } else { sqrt(d) + places.epsilon_outside };
    let (m, w) = if MOMENTUM {
        let m = c.momentum * m + (if KERAS { eta } else { places.rate_inside } * g) / root;
        (m, w - if KERAS { m } else { places.rate_outside * m })
    } else {
        (m, w - (eta * g) / root)
    };
    Element { value: w, velocity: v, average_gradient: a, momentum: m }
}

/// `d`, or `epsilon` where rounding made the estimated variance cancel to 0 or below: there Keras divides by NaN or 0
/// (constant gradients in [1, 2) with default options reach it after about 131 steps). `NaN` passes through. With ε
/// outside the root this is 0, where `PyTorch` has the root of a negative number.
#[inline]
fn positive_or(d: f32, epsilon: f32) -> f32 {
    if d <= 0.0 { epsilon } else { d }
}

/// A block of parameters and state, as many groups of each array; `None` for a slot that is not in use.
pub struct Block<'a> {
    /// w
    pub value: &'a mut [Group],
    /// v
    pub velocity: &'a mut [Group],
    /// a, if centered
    pub average_gradient: Option<&'a mut [Group]>,
    /// m, with momentum
    pub momentum: Option<&'a mut [Group]>,
}

/// Updates a block with its gradient at learning rate `eta`.
#[expect(clippy::inline_always, reason = "a call per tensor: 1,000 tensors of 8 take 1.1 times as long")]
#[inline(always)]
pub fn update(c: &Coefficients, eta: f32, gradient: &[Group], block: Block<'_>) {
    if c.are_keras() {
        update_with::<true>(c, eta, gradient, block);
    } else {
        update_with::<false>(c, eta, gradient, block);
    }
}

#[expect(clippy::inline_always, reason = "as `update`")]
#[inline(always)]
fn update_with<const KERAS: bool>(c: &Coefficients, eta: f32, gradient: &[Group], block: Block<'_>) {
    let Block { value, velocity, average_gradient, momentum } = block;
    match (average_gradient, momentum) {
        (None, None) => each::<false, false, KERAS>(c, eta, gradient, value, velocity, &mut [], &mut []),
        (None, Some(m)) => each::<false, true, KERAS>(c, eta, gradient, value, velocity, &mut [], m),
        (Some(a), None) => each::<true, false, KERAS>(c, eta, gradient, value, velocity, a, &mut []),
        (Some(a), Some(m)) => each::<true, true, KERAS>(c, eta, gradient, value, velocity, a, m),
    }
}

/// The loop. The slices are cut to one length first, so that the compiler sees no bounds to check.
#[inline(never)]
fn each<const CENTERED: bool, const MOMENTUM: bool, const KERAS: bool>(
    c: &Coefficients,
    eta: f32,
    gradient: &[Group],
    value: &mut [Group],
    velocity: &mut [Group],
    average_gradient: &mut [Group],
    momentum: &mut [Group],
) {
    let places = c.places(eta);
    let gradient = flat(gradient);
    let len = gradient.len();
    let value = &mut flat_mut(value)[..len];
    let velocity = &mut flat_mut(velocity)[..len];
    let average_gradient = &mut flat_mut(average_gradient)[..if CENTERED { len } else { 0 }];
    let momentum = &mut flat_mut(momentum)[..if MOMENTUM { len } else { 0 }];
    for i in 0..len {
        let element = Element {
            value: value[i],
            velocity: velocity[i],
            average_gradient: if CENTERED { average_gradient[i] } else { 0.0 },
            momentum: if MOMENTUM { momentum[i] } else { 0.0 },
        };
        let element = rmsprop::<CENTERED, MOMENTUM, KERAS>(*c, eta, places, gradient[i], element);
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

/// [`update`], for gradients and state that may be subnormal: the same operations in the same order, but products by way of
/// float64. `rest` is that of the coefficients.
pub fn update_carefully(c: &Coefficients, eta: f32, rest: Rest, gradient: &[Group], block: Block<'_>) {
    // The other mixtures get no care: they are for runs that go on, not for speed on numbers next to 0.
    if !c.are_keras() {
        return update(c, eta, gradient, block);
    }
    let c = *c;
    if is_frozen(c, eta, rest, gradient, &block) {
        if let Some(momentum) = block.momentum {
            apply_with(block.value, momentum, |w, m| w - m);
        }
        return;
    }
    let Block { value, velocity, average_gradient, momentum } = block;
    let (gradient, value, velocity) = (flat(gradient), flat_mut(value), flat_mut(velocity));
    let mut average_gradient = average_gradient.map(flat_mut);
    let mut momentum = momentum.map(flat_mut);
    let careful = Careful::new();
    let add = |x, y| map(x, y, |x, y| x + y);
    let subtract = |x, y| map(x, y, |x, y| x - y);
    by_fours(gradient.len(), |i| {
        let g = four(gradient, i);
        let v = add(careful.times(c.rho, four(velocity, i)), careful.times(c.one_minus_rho, careful.square(g)));
        put(velocity, i, v);
        let d = if let Some(average_gradient) = average_gradient.as_deref_mut() {
            let a = add(careful.times(c.rho, four(average_gradient, i)), careful.times(c.one_minus_rho, g));
            put(average_gradient, i, a);
            subtract(v, careful.square(a)).map(|variance| positive_or(variance + c.epsilon, c.epsilon))
        } else {
            v.map(|v| v + c.epsilon)
        };
        let increment = increment(careful, careful.times(eta, g), d);
        let change = if let Some(momentum) = momentum.as_deref_mut() {
            let m = add(careful.times(c.momentum, four(momentum, i)), increment);
            put(momentum, i, m);
            m
        } else {
            increment
        };
        put(value, i, subtract(four(value, i), change));
    });
}

/// Δ, from `x` = η·g.
#[inline]
fn increment(careful: Careful, x: Four, d: Four) -> Four {
    let all = |x: Four, holds: fn(f32) -> bool| x.into_iter().fold(true, |all, x| all & holds(x));
    if all(d, |d| d >= f32::MIN_POSITIVE) && all(x, |x| x == 0.0 || x.abs() >= SAFE) {
        map(x, d, |x, d| x / sqrt(d))
    } else {
        careful.divided_by_root(x, d)
    }
}

/// Up to where decay leaves numbers as they are. Known once, used for many blocks: it takes as long as a tenth of one.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    rho: u32,
    momentum: u32,
}

impl Rest {
    /// For these factors.
    pub fn new(c: &Coefficients) -> Self {
        Self { rho: still_below(c.rho), momentum: still_below(c.momentum) }
    }
}

/// The bits of the smallest positive number, as a bound, that `factor` may change; 0 if it may change even 0. The number
/// n·2⁻¹⁴⁹ is rounded back to itself if n·|1 - factor| < 1/2.
fn still_below(factor: f32) -> u32 {
    const NORMAL: f64 = (1 << 23) as f64;
    if factor.is_finite() { libm::ceil(0.5 / (1.0 - f64::from(factor)).abs()).min(NORMAL) as u32 } else { 0 }
}

/// Whether the block ends where it began but for w: all gradients are +0, and the state has decayed until it rounds back to
/// itself. Where gradients have stopped for good, this saves all products, roots and divisions.
fn is_frozen(c: Coefficients, eta: f32, rest: Rest, gradient: &[Group], block: &Block<'_>) -> bool {
    let vanishes = |factor: f32| factor.is_finite() && factor.is_sign_positive();
    // With ε like this the denominator is above 0, and +0 / √d = +0.
    gradient.first().is_some_and(|g| g.0[0].to_bits() == 0)
        && c.epsilon >= f32::MIN_POSITIVE
        && vanishes(c.one_minus_rho)
        && vanishes(eta)
        && flat(gradient).iter().fold(0, |any, g| any | g.to_bits()) == 0
        && rests(block.velocity, rest.rho)
        && block.momentum.as_deref().is_none_or(|m| rests(m, rest.momentum))
        && block.average_gradient.as_deref().is_none_or(|a| rests(a, rest.rho))
}

/// Whether the magnitudes of all numbers are below these bits, and none is -0, which would become +0, by adding +0.
#[inline(never)]
fn rests(state: &[Group], bound: u32) -> bool {
    const SIGN: u32 = 1 << 31;
    let (mut largest, mut nearest_to_minus_zero) = (0, u32::MAX);
    for x in flat(state) {
        largest = largest.max(x.to_bits() & !SIGN);
        nearest_to_minus_zero = nearest_to_minus_zero.min(x.to_bits() ^ SIGN);
    }
    largest < bound && nearest_to_minus_zero != 0
}

/// η·g above 2 to this power has a normal quotient by all roots up to 2²⁶.
const SAFE_EXPONENT: Exponent = SMALLEST + 26;
const SAFE: f32 = f32::from_bits(((SAFE_EXPONENT + 127) as u32) << 23);

/// Whether a product of the rule may be subnormal for these arrays; the gradients are made smaller by 2^`shrunk` before.
pub fn is_delicate(
    c: Coefficients,
    eta: f32,
    (gradient, shrunk): (&[Group], Exponent),
    velocity: &[Group],
    momentum: Option<&[Group]>,
    average_gradient: Option<&[Group]>,
) -> bool {
    let fresh = shrinks(c.one_minus_rho);
    // For (1-ρ)·g²; for ((1-ρ)·g)², which is a² if a was 0; and for η·g / √d.
    let squares = SMALLEST / 2 - if average_gradient.is_some() { fresh } else { fresh.div_euclid(2) };
    let bound = squares.max(SAFE_EXPONENT - shrinks(eta)) - shrunk;
    any_below(velocity, SMALLEST - shrinks(c.rho))
        || any_below(gradient, bound)
        || momentum.is_some_and(|m| any_below(m, SMALLEST - shrinks(c.momentum)))
        || average_gradient.is_some_and(|a| any_below(a, SMALLEST / 2 - shrinks(c.rho)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::grouped;
    use proptest::prelude::*;

    fn carefully(c: &Coefficients, eta: f32, gradient: &[Group], block: Block<'_>) {
        update_carefully(c, eta, Rest::new(c), gradient, block);
    }

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
        let updated = rmsprop::<false, false, true>(coefficients(), 0.1, coefficients().places(0.1), 10.0, element);
        assert_eq!(updated.value.to_bits(), 0x411a_f0bb);
        assert_eq!(updated.velocity, 10.0);
    }

    #[test]
    fn cancellation_in_centered_is_not_nan() {
        let mut element = Element::default();
        for _ in 0..2000 {
            element =
                rmsprop::<true, false, true>(coefficients(), 0.001, coefficients().places(0.001), 1.2345, element);
            assert!(element.value.is_finite());
        }
        let nan = rmsprop::<true, false, true>(coefficients(), 0.001, coefficients().places(0.001), f32::NAN, element);
        assert!(nan.value.is_nan());
    }

    fn any_float() -> impl Strategy<Value = f32> {
        // Plain ones; any bit pattern: subnormals, infinities, NaN; all magnitudes, and zeros.
        prop_oneof![-2.0f32..2.0, any::<u32>().prop_map(f32::from_bits), graded_float()]
    }

    fn bits(x: f32) -> u32 {
        if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() }
    }

    /// Every product, quotient and root of the rule for one element that has a subnormal operand or result, or one that is 0
    /// only because it underflowed: what takes some processors into microcode.
    fn detours(c: Coefficients, eta: f32, g: f32, e: Element, centered: bool, momentum: bool) -> usize {
        let mut count = 0;
        let mut note = |operands: [f32; 2], result: f32| {
            let underflowed = result == 0.0 && operands.iter().all(|&x| x != 0.0 && x.is_finite());
            count += usize::from(underflowed || result.is_subnormal() || operands.iter().any(|x| x.is_subnormal()));
            result
        };
        let mut times = |x: f32, y: f32| note([x, y], x * y);
        let square = times(g, g);
        let v = times(c.rho, e.velocity) + times(c.one_minus_rho, square);
        let mut d = v + c.epsilon;
        if centered {
            let a = times(c.rho, e.average_gradient) + times(c.one_minus_rho, g);
            d = positive_or((v - times(a, a)) + c.epsilon, c.epsilon);
        }
        if momentum {
            times(c.momentum, e.momentum);
        }
        let x = times(eta, g);
        let root = note([d, 1.0], d.sqrt());
        note([x, root], x / root);
        count
    }

    /// Magnitudes from the smallest to about 1, zeros of both signs.
    fn graded_float() -> impl Strategy<Value = f32> {
        let power = (-149i32..2, any::<bool>(), 1.0f64..2.0)
            .prop_map(|(e, negative, x)| (x * 2f64.powi(e)) as f32 * if negative { -1.0 } else { 1.0 });
        prop_oneof![8 => power, 1 => Just(0.0f32), 1 => Just(-0.0f32)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        /// No element that [`is_delicate`] lets pass costs a detour, if no average cancels.
        #[test]
        fn what_is_not_delicate_takes_no_detour(
            (g, v, m, a) in (graded_float(), graded_float(), graded_float(), graded_float()),
            rho in prop_oneof![Just(0.9), Just(0.99), 0.0..1.0],
            eta in prop_oneof![Just(1e-3f32), 1e-6f32..10.0, Just(0.0)],
            centered: bool,
            momentum: bool,
        ) {
            let c = Coefficients::new(&Hyperparameters { rho, momentum: 0.9, ..Hyperparameters::default() });
            let v = v.abs();
            let a = if a * g < 0.0 { -a } else { a };
            let [gradient, velocity, buffer, average] = [g, v, m, a].map(|x| grouped(&[x]));
            let (buffer, average) = (momentum.then_some(&*buffer), centered.then_some(&*average));
            let delicate = is_delicate(c, eta, (&gradient, 0), &velocity, buffer, average);
            let element = Element { value: 1.0, velocity: v, average_gradient: a, momentum: m };
            if !delicate {
                prop_assert_eq!(detours(c, eta, g, element, centered, momentum), 0);
            }
        }

        /// Numbers of usual size, and zeros, are never delicate.
        #[test]
        fn usual_numbers_are_not_delicate(
            x in prop::collection::vec(prop_oneof![9 => -10.0f32..10.0, 1 => Just(0.0f32)], 1..70),
            scale in -8i32..1,
        ) {
            let c = Coefficients::new(&Hyperparameters { momentum: 0.9, ..Hyperparameters::default() });
            let g: Vec<f32> = x.iter().map(|x| x * 10f32.powi(scale)).collect();
            let v: Vec<f32> = g.iter().map(|g| g * g).collect();
            let [g, v] = [g, v].map(|x| grouped(&x));
            prop_assert!(!is_delicate(c, 1e-3, (&g, 0), &v, Some(&g), Some(&g)));
        }

        /// A product of a factor with a number below the bound is that number.
        #[test]
        fn still_numbers_stay(factor in prop_oneof![Just(0.9f32), Just(0.99), 0.0f32..1.01], n: u32) {
            let bound = still_below(factor);
            prop_assert!(bound <= 1 << 23);
            for n in [0, bound.saturating_sub(1), n % bound.max(1)] {
                prop_assert_eq!((factor * f32::from_bits(n)).to_bits(), if bound == 0 { 0 } else { n });
            }
        }

        /// Blocks that are frozen, or nearly, end with the bits of the plain loop.
        #[test]
        fn frozen_blocks_have_the_same_bits(
            state in prop::collection::vec((0u32..7, 0u32..7, 0u32..7, any::<[bool; 3]>()), 4..70),

            gradient in prop_oneof![3 => Just(0.0f32), 1 => Just(-0.0f32), 1 => Just(1e-3f32)],
            eta in prop_oneof![3 => Just(1e-3f32), 1 => Just(0.0f32), 1 => Just(-1e-3f32), 1 => Just(f32::INFINITY)],
            epsilon in prop_oneof![3 => Just(1e-7), 1 => Just(0.0), 1 => Just(f64::NAN)],
            rho in prop_oneof![3 => Just(0.9), 1 => Just(1.0), 1 => Just(1.5), 1 => Just(0.0), 1 => Just(f64::INFINITY)],
            centered in any::<bool>(),
            momentum in any::<bool>(),
        ) {
            let momentum_factor = if rho > 1.0 { 1.5 } else { 0.9 };
            let c = Coefficients::new(&Hyperparameters {
                rho: rho.min(1.0),
                epsilon,
                momentum: momentum_factor,
                ..Hyperparameters::default()
            });
            let signed = |n: u32, negative: bool| f32::from_bits(n | u32::from(negative) << 31);
            let g = grouped(&vec![gradient; state.len()]);
            let [v, m, a, w] = [
                state.iter().map(|s| signed(s.0, s.3[0] && s.0 > 5)).collect(),
                state.iter().map(|s| signed(s.1, s.3[1])).collect(),
                state.iter().map(|s| signed(s.2, s.3[2])).collect(),
                state.iter().map(|s| signed(s.1, s.3[2])).collect(),
            ].map(|x: Vec<f32>| grouped(&x));
            let run = |step: fn(&Coefficients, f32, &[Group], Block<'_>)| {
                let [mut w, mut v, mut m, mut a] = [&w, &v, &m, &a].map(Clone::clone);
                step(&c, eta, &g, Block {
                    value: &mut w,
                    velocity: &mut v,
                    average_gradient: centered.then_some(&mut a[..]),
                    momentum: momentum.then_some(&mut m[..]),
                });
                flat(&[w, v, m, a].concat()).iter().copied().map(bits).collect::<Vec<_>>()
            };
            prop_assert_eq!(run(update), run(carefully));
        }
    }

    proptest! {
        /// The vectorized loop gives each element the bits of the scalar rule, whatever the length and neighbours.
        #[test]
        fn lanes_do_not_change_bits(
            elements in prop::collection::vec((any_float(), any_float(), any_float(), any_float(), any_float()), 0..70),
            centered: bool,
            momentum: bool,
            outside: bool,
            torch: bool,
        ) {
            let epsilon_mode = if outside { EpsilonMode::Outside } else { EpsilonMode::Inside };
            let momentum_mode = if torch { MomentumMode::Torch } else { MomentumMode::Keras };
            let hyperparameters =
                Hyperparameters { momentum: 0.9, epsilon_mode, momentum_mode, ..Hyperparameters::default() };
            let c = Coefficients::new(&hyperparameters);
            let column = |pick: fn(&(f32, f32, f32, f32, f32)) -> f32| elements.iter().map(pick).collect::<Vec<_>>();
            let g = column(|e| e.0);
            let (w, v, a, m) = (column(|e| e.1), column(|e| e.2), column(|e| e.3), column(|e| e.4));
            let expected: Vec<Element> = elements.iter().map(|&(g, value, velocity, average_gradient, momentum_buffer)| {
                let element = Element { value, velocity, average_gradient, momentum: momentum_buffer };
                let places = c.places(0.01);
                match (centered, momentum, c.are_keras()) {
                    (false, false, true) => rmsprop::<false, false, true>(c, 0.01, places, g, element),
                    (false, true, true) => rmsprop::<false, true, true>(c, 0.01, places, g, element),
                    (true, false, true) => rmsprop::<true, false, true>(c, 0.01, places, g, element),
                    (true, true, true) => rmsprop::<true, true, true>(c, 0.01, places, g, element),
                    (false, false, false) => rmsprop::<false, false, false>(c, 0.01, places, g, element),
                    (false, true, false) => rmsprop::<false, true, false>(c, 0.01, places, g, element),
                    (true, false, false) => rmsprop::<true, false, false>(c, 0.01, places, g, element),
                    (true, true, false) => rmsprop::<true, true, false>(c, 0.01, places, g, element),
                }
            }).collect();
            let g = grouped(&g);
            let run = |step: fn(&Coefficients, f32, &[Group], Block<'_>)| {
                let [mut w, mut v, mut a, mut m] = [&w, &v, &a, &m].map(|x| grouped(x));
                step(&c, 0.01, &g, Block {
                    value: &mut w,
                    velocity: &mut v,
                    average_gradient: centered.then_some(&mut a[..]),
                    momentum: momentum.then_some(&mut m[..]),
                });
                [w, v, a, m]
            };
            for [w, v, a, m] in [run(update), run(carefully)] {
                for (i, element) in expected.iter().enumerate() {
                    prop_assert_eq!(bits(flat(&w)[i]), bits(element.value));
                    prop_assert_eq!(bits(flat(&v)[i]), bits(element.velocity));
                    prop_assert_eq!(bits(flat(&a)[i]), bits(element.average_gradient));
                    prop_assert_eq!(bits(flat(&m)[i]), bits(element.momentum));
                }
            }
        }
    }
}
