//! The rows of hyper-parameters in the table of docs/options.md.

use crate::{camel_case, default_of, documentation};
use rmsprop::config::{Descriptor, HYPERPARAMETERS};
use serde_json::{Map, Value};

/// The first rows of the table, and its last: written by hand, they are not hyper-parameters.
const HEAD: usize = 3;
const START: &str = "| Option ";
const LAST: &str = "| `name` ";

/// The page with the rows in between anew, and its columns aligned.
pub fn with_rows(page: &str, defaults: &Map<String, Value>) -> Result<String, &'static str> {
    let start = page.find(START).ok_or("the page has no table of options")?;
    let last = start + page[start..].find(LAST).ok_or("the table has no row of the name")?;
    let end = last + page[last..].find('\n').ok_or("the page ends in its table")?;
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let mut rows = page[start..last].lines().take(HEAD).map(cells).collect::<Vec<_>>();
    rows.extend(HYPERPARAMETERS.iter().map(|row| cells(&text(row, defaults))));
    rows.push(cells(&page[last..end]));
    Ok([&page[..start], &aligned(&rows), &page[end..]].concat())
}

fn text(descriptor: &Descriptor, defaults: &Map<String, Value>) -> String {
    let documentation = documentation(descriptor).0.concat();
    let sentence = documentation.split(". ").next().unwrap_or_default().trim().trim_end_matches('.');
    let keras = if descriptor.is_own { "; not in Keras" } else { "" };
    format!("|`{}`|`{}`|{sentence}{keras}|", camel_case(descriptor.name), default_of(descriptor, defaults))
}

/// The rows as Markdown; the second is the rule below the head.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let others = rows.iter().enumerate().filter(|(i, _)| *i != 1);
        others.filter_map(|(_, row)| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |(i, row): (usize, &Vec<String>)| {
        let inner = row.iter().enumerate().filter(|(column, _)| (1..row.len() - 1).contains(column));
        let cells = inner.map(|(column, cell)| {
            let width = width(column);
            if i == 1 { "-".repeat(width) } else { format!("{cell:<width$}") }
        });
        format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
    };
    rows.iter().enumerate().map(line).collect::<Vec<_>>().join("\n")
}
