//! Which state an optimizer keeps for a variable: one row a slot, in the order in which Keras lists an optimizer's variables.

use crate::config::Hyperparameters;

macro_rules! slots {
    ($( $(#[doc = $doc:literal])+ $name:ident $variant:ident; )+) => {
        /// The kinds of state an optimizer keeps for a variable, by their numbers at the boundary.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "bindings", derive(serde::Serialize, ts_rs::TS))]
        #[cfg_attr(feature = "bindings", serde(rename_all = "snake_case"))]
        pub enum Slot {
            $( $(#[doc = $doc])+ $variant, )+
        }

        /// How many there are.
        const COUNT: usize = [$( Slot::$variant ),+].len();

        impl Slot {
            /// All slots, in the order in which Keras lists an optimizer's variables.
            pub const ALL: [Self; COUNT] = [$( Self::$variant ),+];

            /// What Keras calls it.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => stringify!($name), )+ }
            }
        }

        /// One for each [`Slot`].
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Slots<S> {
            $( $(#[doc = $doc])+ pub $name: S, )+
        }

        impl<S> From<[S; COUNT]> for Slots<S> {
            /// In the order of [`Slot::ALL`].
            fn from([$( $name ),+]: [S; COUNT]) -> Self {
                Self { $( $name ),+ }
            }
        }

        impl<S> Slots<S> {
            /// All of them, in the order of [`Slot::ALL`].
            pub fn all(&self) -> [&S; COUNT] {
                [$( &self.$name ),+]
            }

            /// The one for this slot, to change.
            pub fn get_mut(&mut self, slot: Slot) -> &mut S {
                match slot { $( Slot::$variant => &mut self.$name, )+ }
            }

            /// `make` of each.
            #[cfg(any(feature = "threads", test))]
            pub fn map<T>(self, mut make: impl FnMut(S) -> T) -> Slots<T> {
                Slots { $( $name: make(self.$name) ),+ }
            }

            /// References to each.
            #[cfg(any(feature = "threads", test))]
            pub fn each_mut(&mut self) -> Slots<&mut S> {
                Slots { $( $name: &mut self.$name ),+ }
            }
        }
    };
}

slots! {
    /// Exponential moving average of the values (`useEma`).
    average Average;
    /// Sum of the gradients since the last update (`gradientAccumulationSteps`).
    gradient_accumulator GradientAccumulator;
    /// Moving average of the squared gradients; always kept.
    velocity Velocity;
    /// Momentum buffer (`momentum` above 0).
    momentum Momentum;
    /// Moving average of the gradients (`centered`).
    average_gradient AverageGradient;
}

impl Slot {
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

    /// What the state begins with: a hyper-parameter's name, and its number here. `None`: 0.
    pub fn begins_at(self, hyperparameters: &Hyperparameters) -> Option<(&'static str, f64)> {
        (self == Self::Velocity).then_some(("initial_velocity", hyperparameters.initial_velocity))
    }

    /// Whether an optimizer with these hyper-parameters keeps this slot for a variable.
    #[inline(never)]
    pub(crate) fn is_kept(self, hyperparameters: &Hyperparameters, overwrite_with_gradient: bool) -> bool {
        (self == Self::GradientAccumulator || !overwrite_with_gradient)
            && self.kept_by(hyperparameters).is_none_or(|(_, number, above)| number > above)
    }
}

impl<S> Slots<S> {
    /// The one for this slot.
    pub fn get(&self, slot: Slot) -> &S {
        self.all()[slot as usize]
    }
}
