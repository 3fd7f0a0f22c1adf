//! The crate as native code, and a five-stream triad, driven over standard input: see `bench/protocol.md`.

mod data;
mod model;
mod protocol;
mod triad;

use model::Model;
use protocol::Contestant;
use triad::Triad;

fn make(kind: &str, words: &[&str]) -> Option<Box<dyn Contestant>> {
    let [sizes, regime, options @ ..] = words else { return None };
    let sizes = data::sizes(sizes)?;
    match kind {
        "optimizer" => Some(Box::new(Model::new(&sizes, data::Regime::named(regime)?, options)?)),
        "triad" => Some(Box::new(Triad::new(sizes.iter().sum()))),
        _ => None,
    }
}

fn main() {
    protocol::serve("", make);
}
