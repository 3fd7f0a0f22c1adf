//! Optimizers of other Rust libraries as contestants, driven over standard input: see `bench/protocol.md`.

mod burn;
mod candle;
#[path = "../../../native/src/data.rs"]
#[expect(dead_code, reason = "these peers have no regimes but the dense one")]
mod data;
mod options;
#[path = "../../../native/src/protocol.rs"]
mod protocol;

use protocol::Contestant;

fn make(kind: &str, words: &[&str]) -> Option<Box<dyn Contestant>> {
    let [sizes, "dense", options @ ..] = words else { return None };
    let (sizes, options) = (data::sizes(sizes)?, options::Options::parse(options)?);
    Some(match kind {
        "burn" => Box::new(burn::Burn::new(&sizes, options)),
        "candle" => Box::new(candle::Candle::new(&sizes, options).ok()?),
        _ => return None,
    })
}

fn main() {
    protocol::serve("burn 0.20.1, candle-optimisers 0.10.2", make);
}
