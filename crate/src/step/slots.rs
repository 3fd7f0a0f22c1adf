//! Which state an optimizer keeps for a variable.

use crate::config::Hyperparameters;

/// The kinds of state an optimizer keeps for a variable, by their numbers at the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "bindings", derive(serde::Serialize, ts_rs::TS))]
#[cfg_attr(feature = "bindings", serde(rename_all = "snake_case"))]
pub enum Slot {
    /// Exponential moving average of the values (`useEma`).
    Average,
    /// Sum of the gradients since the last update (`gradientAccumulationSteps`).
    GradientAccumulator,
    /// Moving average of the squared gradients; always kept.
    Velocity,
    /// Momentum buffer (`momentum` above 0).
    Momentum,
    /// Moving average of the gradients (`centered`).
    AverageGradient,
}

impl Slot {
    /// All slots, in the order in which Keras lists an optimizer's variables.
    pub const ALL: [Self; 5] =
        [Self::Average, Self::GradientAccumulator, Self::Velocity, Self::Momentum, Self::AverageGradient];

    /// The condition that keeps this slot: a hyper-parameter's name, its number here, and the number it must be above.
    /// `None`: always kept.
    pub fn kept_by(self, hyperparameters: &Hyperparameters) -> Option<(&'static str, f64, f64)> {
        match self {
            Self::Average => Some(("use_ema", f64::from(u8::from(hyperparameters.use_ema)), 0.0)),
            Self::GradientAccumulator => {
                Some(("gradient_accumulation_steps", f64::from(hyperparameters.steps_per_update()), 1.0))
            }
            Self::Velocity => None,
            Self::Momentum => Some(("momentum", hyperparameters.momentum, 0.0)),
            Self::AverageGradient => Some(("centered", f64::from(u8::from(hyperparameters.centered)), 0.0)),
        }
    }

    /// Whether an optimizer with these hyper-parameters keeps this slot for a variable.
    pub(crate) fn is_kept(self, hyperparameters: &Hyperparameters, overwrite_with_gradient: bool) -> bool {
        (self == Self::GradientAccumulator || !overwrite_with_gradient)
            && self.kept_by(hyperparameters).is_none_or(|(_, number, above)| number > above)
    }
}

/// One for each [`Slot`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slots<S> {
    pub average: S,
    pub accumulator: S,
    pub velocity: S,
    pub momentum: S,
    pub average_gradient: S,
}

impl<S> From<[S; 5]> for Slots<S> {
    /// In the order of [`Slot::ALL`].
    fn from([average, accumulator, velocity, momentum, average_gradient]: [S; 5]) -> Self {
        Self { average, accumulator, velocity, momentum, average_gradient }
    }
}

impl<S> Slots<S> {
    /// All five, in the order of [`Slot::ALL`].
    pub fn all(&self) -> [&S; 5] {
        [&self.average, &self.accumulator, &self.velocity, &self.momentum, &self.average_gradient]
    }

    /// The one for this slot.
    pub fn get(&self, slot: Slot) -> &S {
        self.all()[slot as usize]
    }

    /// The one for this slot, to change.
    pub fn get_mut(&mut self, slot: Slot) -> &mut S {
        match slot {
            Slot::Average => &mut self.average,
            Slot::GradientAccumulator => &mut self.accumulator,
            Slot::Velocity => &mut self.velocity,
            Slot::Momentum => &mut self.momentum,
            Slot::AverageGradient => &mut self.average_gradient,
        }
    }

    /// `make` of each.
    #[cfg(any(feature = "threads", test))]
    pub fn map<T>(self, mut make: impl FnMut(S) -> T) -> Slots<T> {
        Slots {
            average: make(self.average),
            accumulator: make(self.accumulator),
            velocity: make(self.velocity),
            momentum: make(self.momentum),
            average_gradient: make(self.average_gradient),
        }
    }

    /// References to each.
    #[cfg(any(feature = "threads", test))]
    pub fn each_mut(&mut self) -> Slots<&mut S> {
        let Self { average, accumulator, velocity, momentum, average_gradient } = self;
        Slots { average, accumulator, velocity, momentum, average_gradient }
    }
}
