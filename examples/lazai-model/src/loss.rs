//! The table of what quantization lost, layer by layer.

use core::fmt::{self, Display, Formatter};
use std::collections::BTreeMap;

use lazai_models::quantize::{QuantizeReport, TensorReport};

/// A row for each layer and a column for each of its matrices.
#[derive(Clone, Debug)]
pub(crate) struct LossTable {
    /// Names of matrices in a layer, in the order of the program.
    columns: Vec<String>,
    /// Decibels by layer and column.
    layers: BTreeMap<usize, BTreeMap<usize, f64>>,
    /// Matrices outside the layers.
    others: Vec<(String, f64)>,
}

impl LossTable {
    pub(crate) fn new(report: &QuantizeReport) -> Self {
        let mut table = Self { columns: Vec::new(), layers: BTreeMap::new(), others: Vec::new() };
        for TensorReport { name, signal_to_noise_db, output_signal_to_noise_db, .. } in
            &report.tensors
        {
            // Where rounding looked at the results, only these tell what was lost.
            let decibels = output_signal_to_noise_db.unwrap_or(*signal_to_noise_db);
            let Some((layer, part)) = layer_and_part(name) else {
                table.others.push((name.clone(), decibels));
                continue;
            };
            let known = table.columns.iter().position(|column| column == part);
            let column = known.unwrap_or_else(|| {
                table.columns.push(part.to_owned());
                table.columns.len() - 1
            });
            table.layers.entry(layer).or_default().insert(column, decibels);
        }
        table
    }
}

impl Display for LossTable {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "  {:<10}", "layer")?;
        for column in &self.columns {
            write!(formatter, " {column:>8}")?;
        }
        for (layer, decibels) in &self.layers {
            write!(formatter, "\n  {layer:<10}")?;
            for column in 0..self.columns.len() {
                match decibels.get(&column) {
                    Some(decibels) => write!(formatter, " {decibels:>8.2}")?,
                    None => write!(formatter, " {:>8}", "")?,
                }
            }
        }
        for (name, decibels) in &self.others {
            write!(formatter, "\n  {name:<10} {decibels:>8.2}")?;
        }
        Ok(())
    }
}

/// Splits a name such as `layers.3.query` into layer and part.
fn layer_and_part(name: &str) -> Option<(usize, &str)> {
    let (layer, part) = name.strip_prefix("layers.")?.split_once('.')?;
    Some((layer.parse().ok()?, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_rows() {
        let tensor = |name: &str, signal_to_noise_db| TensorReport {
            name: name.to_owned(),
            rows: 1,
            columns: 1,
            fewest_bits: 0,
            most_bits: 0,
            mean_squared_error: 0.0,
            largest_row_error: 0.0,
            signal_to_noise_db,
            output_signal_to_noise_db: None,
        };
        let tensors = vec![
            tensor("layers.0.query", 40.0),
            TensorReport { output_signal_to_noise_db: Some(41.0), ..tensor("layers.0.key", 10.0) },
            tensor("layers.10.query", f64::INFINITY),
            tensor("embedding", 43.5),
        ];
        let report = QuantizeReport { tensors, values: Vec::new() };
        let expected = "  \
  layer         query      key
  0             40.00    41.00
  10              inf         
  embedding     43.50";
        assert_eq!(LossTable::new(&report).to_string(), expected);
    }
}
