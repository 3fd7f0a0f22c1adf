//! The benchmark's protocol over standard input: see `bench/protocol.md`. Also compiled into `bench/peers/rust`.

use std::collections::HashMap;
use std::io::{BufRead, Write, stdin, stdout};
use std::time::Instant;

/// Something that takes steps and has values.
pub trait Contestant {
    /// One step.
    fn step(&mut self);
    /// The values, tensor after tensor.
    fn values(&self) -> Vec<f32>;
}

/// What makes a contestant of this kind for the words of `make`; `None` if it does not support the model.
pub type Make = fn(kind: &str, words: &[&str]) -> Option<Box<dyn Contestant>>;

/// Values that an answer holds at most, evenly spaced.
const SAMPLES: usize = 4096;

fn samples(values: &[f32]) -> String {
    let stride = values.len().div_ceil(SAMPLES).max(1);
    let words: Vec<String> = values.iter().step_by(stride).map(|value| format!("{:x}", value.to_bits())).collect();
    words.join(" ")
}

fn run(contestant: &mut dyn Contestant, steps: u32) -> u128 {
    let started = Instant::now();
    for _ in 0..steps {
        contestant.step();
    }
    started.elapsed().as_nanos()
}

fn answer(
    make: Make,
    contestants: &mut HashMap<String, Box<dyn Contestant>>,
    kind: &str,
    words: &[&str],
) -> Option<String> {
    match words {
        ["make", name, rest @ ..] => {
            let Some(contestant) = make(kind, rest) else { return Some("unsupported".into()) };
            contestants.insert((*name).into(), contestant);
            Some("ok".into())
        }
        ["run", name, steps] => Some(run(&mut **contestants.get_mut(*name)?, steps.parse().ok()?).to_string()),
        ["values", name] => Some(samples(&contestants.get(*name)?.values())),
        ["free", name] => contestants.remove(*name).map(|_| "ok".into()),
        _ => None,
    }
}

/// Answers until standard input ends. The kind is the first argument.
pub fn serve(versions: &str, make: Make) {
    let kind = std::env::args().nth(1).unwrap_or_default();
    let mut contestants = HashMap::new();
    println!("{}", format!("ready {versions}").trim_end());
    for line in stdin().lock().lines() {
        let Ok(line) = line else { return };
        let words: Vec<&str> = line.split_whitespace().collect();
        let text = answer(make, &mut contestants, &kind, &words).unwrap_or_else(|| format!("error {line}"));
        println!("{text}");
        if stdout().flush().is_err() {
            return;
        }
    }
}
