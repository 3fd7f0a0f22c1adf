//! Comparisons without tolerance that say what differs.

use crate::bits::bits;
use std::fmt::{Debug, Display};

/// What differs first.
pub type Check = Result<(), String>;

/// The two are equal.
#[expect(clippy::needless_pass_by_value, reason = "calls are easier to read")]
pub fn equal<T: PartialEq + Debug>(what: impl Display, actual: T, expected: T) -> Check {
    if actual == expected { Ok(()) } else { Err(format!("{what}: {actual:?}, expected {expected:?}")) }
}

/// The two arrays are equal in every bit.
pub fn equal_bits(what: impl Display, actual: &[f32], expected: &[f32]) -> Check {
    equal(format_args!("length of {what}"), actual.len(), expected.len())?;
    for (i, (&actual, &expected)) in actual.iter().zip(expected).enumerate() {
        equal(format_args!("{what}, element {i}"), bits(actual), bits(expected))?;
    }
    Ok(())
}

/// Fails with a line for every case that is not as it must be.
pub fn all(checks: impl IntoIterator<Item = (String, Check)>) {
    let mut count = 0;
    let mut failures = Vec::new();
    for (id, check) in checks {
        count += 1;
        if let Err(what) = check {
            failures.push(format!("{id}: {what}"));
        }
    }
    assert_ne!(count, 0, "no cases");
    assert!(failures.is_empty(), "{} of {count} cases:\n{}", failures.len(), failures.join("\n"));
}
