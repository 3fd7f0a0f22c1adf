//! The numbers that every contestant starts from: the same formulas as in `bench/contestants/data.mjs`.

/// How gradients and state begin; the names are those of `bench/workloads.mjs`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Regime {
    Dense,
    Stuck,
    Tiny,
    Zero,
    Alternating,
    Dead,
    Rare,
    Graded,
}

impl Regime {
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "dense" => Self::Dense,
            "stuck" => Self::Stuck,
            "tiny" => Self::Tiny,
            "zero" => Self::Zero,
            "alternating" => Self::Alternating,
            "dead" => Self::Dead,
            "rare" => Self::Rare,
            "graded" => Self::Graded,
            _ => return None,
        })
    }

    /// Whether element `i` has an ordinary gradient.
    fn is_dense(self, i: u32) -> bool {
        match self {
            Self::Dense => true,
            Self::Alternating => (i / 16).is_multiple_of(2),
            Self::Dead => !i.is_multiple_of(8),
            Self::Rare => !i.is_multiple_of(32),
            _ => false,
        }
    }

    /// The gradient of element `i`, which keeps it in its regime.
    pub fn gradient(self, i: u32) -> f32 {
        if self.is_dense(i) {
            let hash = hash(i.wrapping_add(0x9e37_79b9));
            let magnitude = 0.25 + (hash >> 10) as f32 / 8_388_608.0;
            return if hash >> 9 & 1 == 1 { -magnitude } else { magnitude };
        }
        match self {
            Self::Tiny => 1e-20,
            Self::Rare => 1e-21,
            Self::Graded => 0.5f32.powi((i % 40 / 3 * 10).cast_signed()),
            _ => 0.0,
        }
    }

    /// Initial velocity, momentum and average gradient of element `i`: the number where they get stuck, if they do.
    pub fn state(self, i: u32) -> f32 {
        match self {
            Self::Stuck | Self::Alternating | Self::Dead if !self.is_dense(i) => f32::from_bits(4),
            _ => 0.0,
        }
    }
}

fn hash(i: u32) -> u32 {
    i.wrapping_mul(2_654_435_761)
}

/// The value that element `i` begins with, in [-1, 1).
pub fn value(i: u32) -> f32 {
    (hash(i) >> 8) as f32 / 8_388_608.0 - 1.0
}

/// "512x20,8" is twenty tensors of 512 and one of 8.
pub fn sizes(text: &str) -> Option<Vec<usize>> {
    let mut sizes = Vec::new();
    for part in text.split(',') {
        let (size, count) = part.split_once('x').unwrap_or((part, "1"));
        sizes.extend(std::iter::repeat_n(size.parse::<usize>().ok()?, count.parse().ok()?));
    }
    Some(sizes)
}
