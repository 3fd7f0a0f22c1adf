//! One call of a step: what it is given, and what follows from that for all variables.

use crate::arith::group::SIMD;
use crate::config::{Hyperparameters, WeightDecayMode};
use crate::rule::accumulate::maximum;
use crate::rule::clip::{Clip, ClipMode};
use crate::rule::ema::Ema;
use crate::rule::rmsprop::Coefficients;
use crate::step::gradient_scaling::GradientScaling;

/// Whether the step of a block is one loop. The JavaScript backend is parsed whole before it runs: the loops would add 2 kB of gzip,
/// and there is no divider to wait for.
pub const FUSED: bool = SIMD;

/// What one call of a step is given.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// η, at the raw count of calls before this one.
    pub learning_rate: f32,
    /// Dynamic loss scale to divide gradients by; replaces the static `loss_scale_factor`.
    pub loss_scale: Option<f32>,
    /// How many of the selected variables have gradients (see [`Optimizer::select`](crate::Optimizer::select)); `None`: all
    /// variables have.
    pub selected: Option<usize>,
}

/// What a call does to a variable that has a gradient: the hyper-parameters as float32 scalars. They are kept from call to call:
/// deriving them anew would make a step of ten parameters 1.6× slower.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// One call in this many updates the variables; the others only accumulate.
    steps_per_update: u32,
    /// Whether this call updates.
    pub updates: bool,
    /// What gradients are divided by first.
    pub loss_scale: Option<f32>,
    pub scaling: GradientScaling,
    /// λ
    pub weight_decay: Option<f32>,
    /// Whether weight decay is coupled.
    is_coupled: bool,
    pub coefficients: Coefficients,
    pub ema: Option<Ema>,
    clip_mode: ClipMode,
    clip: Clip,
    /// The largest divisor of clipping by variables' own norms.
    largest_divisor: f32,
    /// If a variable's step is a single pass of the fused loop: the factor of its gradients.
    single_pass: Option<f32>,
    /// The same, if that pass is Keras' rule alone, for all variables in order.
    inlined: Option<f32>,
}

/// How a gradient reaches the fused loop: what is done to it before, and the factor in that loop.
pub struct GradientPath<'a> {
    /// Borrowed: a copy on the stack makes steps of small tensors 1.05× slower with clipping by norms.
    pub scaling: &'a GradientScaling,
    pub clip: Clip,
    pub factor: f32,
}

impl GradientPath<'_> {
    /// Whether the fused loop can read the gradient itself.
    pub fn is_direct(&self) -> bool {
        self.scaling.is_identity() && self.clip == Clip::Off
    }
}

impl Settings {
    /// Those of these hyper-parameters, with an update in every `steps_per_update`-th call. Each call completes them by
    /// [`begin`](Self::begin) and [`set_clip`](Self::set_clip).
    pub fn new(hyperparameters: &Hyperparameters, steps_per_update: u32) -> Self {
        let loss_scale = hyperparameters.loss_scale_factor.map(|factor| factor as f32);
        Self {
            steps_per_update,
            updates: true,
            loss_scale,
            scaling: GradientScaling::new(loss_scale, steps_per_update, hyperparameters.maximize),
            weight_decay: hyperparameters.weight_decay.map(|weight_decay| weight_decay as f32),
            is_coupled: hyperparameters.weight_decay_mode == WeightDecayMode::Coupled,
            coefficients: Coefficients::new(hyperparameters, 0.0),
            ema: None,
            clip_mode: ClipMode::new(hyperparameters),
            clip: Clip::Off,
            largest_divisor: 1.0,
            single_pass: None,
            inlined: None,
        }
    }

    /// Makes them those of the call after `raw_iterations` calls.
    #[inline]
    pub fn begin(&mut self, hyperparameters: &Hyperparameters, raw_iterations: u32, call: Call) {
        let steps = self.steps_per_update;
        self.updates = raw_iterations.wrapping_add(1).is_multiple_of(steps);
        self.coefficients.set_rate(call.learning_rate);
        if hyperparameters.use_ema {
            let (momentum, frequency) = (hyperparameters.ema_momentum, hyperparameters.overwrite_frequency());
            self.ema = Some(Ema::new(raw_iterations / steps, momentum, frequency));
        }
        let loss_scale = call.loss_scale.or(hyperparameters.loss_scale_factor.map(|factor| factor as f32));
        if loss_scale.map(f32::to_bits) != self.loss_scale.map(f32::to_bits) {
            self.loss_scale = loss_scale;
            self.scaling = GradientScaling::new(loss_scale, steps, hyperparameters.maximize);
        }
    }

    /// How gradients are clipped. Nothing is clipped in calls that only accumulate.
    #[inline]
    pub fn clip_mode(&self) -> ClipMode {
        if self.updates { self.clip_mode } else { ClipMode::Off }
    }

    /// Completes the settings with the joint norm of the gradients, which clipping by the global norm alone needs.
    #[inline]
    pub fn set_clip(&mut self, gradient_norm: f32, call: Call) {
        self.clip = match self.clip_mode() {
            ClipMode::GlobalNorm(threshold) => Clip::Factor(Clip::global_factor(threshold, gradient_norm)),
            ClipMode::Value(limit) => Clip::Value(limit as f32),
            ClipMode::Off | ClipMode::Norm(_) => Clip::Off,
        };
        self.single_pass = match (self.clip_mode(), self.clip) {
            (_, Clip::Factor(factor)) if self.scaling.is_identity() => Some(factor),
            (ClipMode::Off, _) if self.scaling.is_identity() => Some(1.0),
            (ClipMode::Off, _) => self.scaling.factor(),
            _ => None,
        };
        if let ClipMode::Norm(threshold) = self.clip_mode() {
            self.largest_divisor = threshold as f32;
        }
        let is_rule_alone = self.weight_decay.is_none() && self.ema.is_none() && self.coefficients.are_keras;
        self.inlined = self.single_pass.filter(|_| is_rule_alone && call.selected.is_none());
    }

    /// Whether variables without a gradient in this call change too: their averages move, or what they accumulated is dropped.
    pub fn changes_others(&self) -> bool {
        self.ema.is_some() || (self.updates && self.scaling.accumulates())
    }

    /// [`inlined`](Self::inlined), so that the compiler sees that it is never in the JavaScript backend.
    #[inline]
    pub fn inlined_factor(&self) -> Option<f32> {
        if FUSED { self.inlined } else { None }
    }

    /// [`single_pass`](Self::single_pass), so that the compiler sees the same of it.
    #[inline]
    pub fn single_pass_factor(&self) -> Option<f32> {
        if FUSED { self.single_pass } else { None }
    }

    /// λ of decoupled weight decay, for a variable that `decays`. Also 0, as in Keras, where it turns infinities into `NaN`.
    #[inline]
    pub fn decay(&self, decays: bool) -> Option<f32> {
        self.weight_decay.filter(|_| decays && !self.is_coupled)
    }

    /// λ of coupled weight decay, for a variable that `decays`. Not 0, as in PyTorch.
    #[inline]
    pub fn penalty(&self, decays: bool) -> Option<f32> {
        self.weight_decay.filter(|&weight_decay| decays && self.is_coupled && weight_decay != 0.0)
    }

    /// How the gradient of a variable with this sum of squares is clipped. Only its own norm needs the sum.
    #[inline]
    pub fn variable_clip(&mut self, sum_of_squares: Option<&f32>) -> Clip {
        let (ClipMode::Norm(threshold), Some(&sum)) = (self.clip_mode(), sum_of_squares) else { return self.clip };
        let clip = Clip::by_norm(threshold, sum);
        if let Clip::Norm { divisor, .. } = clip {
            self.largest_divisor = maximum(divisor, self.largest_divisor);
        }
        clip
    }

    /// What clipping by a norm multiplied gradients by, as [`LastStep::clip_factor`](crate::LastStep::clip_factor).
    #[inline]
    pub fn clip_factor(&self) -> f32 {
        match (self.clip_mode(), self.clip) {
            (ClipMode::Norm(threshold), _) => threshold as f32 / self.largest_divisor,
            (_, Clip::Factor(factor)) => factor,
            _ => 1.0,
        }
    }

    /// The path of a gradient clipped by `clip`. A multiplication that comes last costs nothing in the fused loop; in a loop of
    /// its own it takes 0.02 ns per parameter, and cuts the variable into blocks. Calls that only accumulate multiply by
    /// nothing: their scaling is no factor, and they do not clip. Gradients that are `penalized` come to the loop scaled.
    pub fn gradient_path(&self, clip: Clip, penalized: bool) -> GradientPath<'_> {
        match (self.scaling.factor(), clip) {
            _ if penalized => GradientPath { scaling: &self.scaling, clip, factor: 1.0 },
            (_, Clip::Factor(factor)) if FUSED => GradientPath { scaling: &self.scaling, clip: Clip::Off, factor },
            (Some(factor), Clip::Off) if FUSED => {
                GradientPath { scaling: &GradientScaling::IDENTITY, clip: Clip::Off, factor }
            }
            _ => GradientPath { scaling: &self.scaling, clip, factor: 1.0 },
        }
    }
}
