//! Options in Keras' names, where these peers have them.

/// As everyone's.
pub const LEARNING_RATE: f64 = 0.001;

#[derive(Clone, Copy)]
pub struct Options {
    pub rho: f64,
    pub epsilon: f64,
    pub momentum: f64,
    pub centered: bool,
}

impl Options {
    /// `None` for an option that they do not have.
    pub fn parse(words: &[&str]) -> Option<Self> {
        let mut options = Self { rho: 0.9, epsilon: 1e-7, momentum: 0.0, centered: false };
        for word in words {
            let (name, number) = word.split_once('=')?;
            let number: f64 = number.parse().ok()?;
            match name {
                "momentum" => options.momentum = number,
                "centered" => options.centered = number == 1.0,
                _ => return None,
            }
        }
        Some(options)
    }
}
