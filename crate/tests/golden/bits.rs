//! Float32 values as the vectors write them: hexadecimal bits, base64, CRC-32, and one `NaN` for all.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, de::Error};
use std::fmt;

/// 32 bits that the vectors write as eight hexadecimal digits: a float32, or a CRC-32.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Bits(pub u32);

impl fmt::Debug for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl<'de> Deserialize<'de> for Bits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = String::deserialize(deserializer)?;
        u32::from_str_radix(&digits, 16).map(Self).map_err(D::Error::custom)
    }
}

/// The bits of a number, every `NaN` as the same one.
pub fn bits(x: f32) -> Bits {
    Bits(if x.is_nan() { 0x7fc0_0000 } else { x.to_bits() })
}

/// CRC-32 over the little-endian bytes of the arrays, one after another.
pub fn crc<'a>(arrays: impl IntoIterator<Item = &'a [f32]>) -> Bits {
    let mut hasher = crc32fast::Hasher::new();
    for array in arrays {
        let bytes: Vec<u8> = array.iter().flat_map(|&x| bits(x).0.to_le_bytes()).collect();
        hasher.update(&bytes);
    }
    Bits(hasher.finalize())
}

/// The 32-bit words of an array in base64.
pub fn decode_words(base64: &str) -> Vec<u32> {
    let bytes = STANDARD.decode(base64).expect("base64");
    let (words, rest) = bytes.as_chunks();
    assert!(rest.is_empty(), "not a whole number of words");
    words.iter().map(|&word| u32::from_le_bytes(word)).collect()
}

/// The float32 array in base64.
pub fn decode(base64: &str) -> Vec<f32> {
    let words = decode_words(base64);
    words.into_iter().map(f32::from_bits).collect()
}
