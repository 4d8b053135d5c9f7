use std::{collections::BTreeMap, sync::OnceLock};

use lazai_coprocessor::{
    architecture::Gelu,
    numeric::{ACTIVATION_BITS, CACHE_BITS},
    table,
};

use crate::{
    builder::{AssignedInt, Builder},
    constraints::Cell,
    gadget::{self, Attended, Norm, Tokens},
    table::Table,
};

/// A gadget with its parameters: the constraints of one operator on a few integers.
///
/// Each variant says which integers it reads. Activations are within 16 bits, others within 32.
#[derive(Clone, Debug)]
pub enum Gadget {
    /// `AddBias` and `AddPositions`: reads as many integers as are added.
    AddBias {
        /// What is added.
        added: Vec<i32>,
        /// Whether the integers have 32 bits.
        wide: bool,
    },
    /// The index of the largest logit: reads `count` integers of 32 bits.
    Argmax {
        /// Number of logits.
        count: usize,
    },
    /// `Attention` of one head and one query: reads the query, then the keys, then the values of
    /// all positions, all of them activations.
    Attention {
        /// Number of elements of a query, a key or a value.
        head_dim: usize,
        /// Number of positions.
        positions: usize,
        /// Fraction bits that a score loses.
        score_shift: i32,
    },
    /// `CacheAppend` of one vector: reads `count` activations.
    CacheAppend {
        /// Number of elements.
        count: usize,
    },
    /// `GatedSilu` of one pair: reads gate and other factor, both activations.
    GatedSilu {
        /// Fraction bits of the gate.
        gate_bits: i32,
        /// Fraction bits of the other factor.
        up_bits: i32,
        /// Fraction bits of the result.
        output_bits: i32,
    },
    /// `Gather`: reads `count` tokens.
    Gather {
        /// Number of tokens.
        count: usize,
        /// The rows of the embedding.
        rows: Vec<Vec<i32>>,
    },
    /// `Gelu` of one activation.
    Gelu {
        /// Which of the two functions.
        form: Gelu,
        /// Fraction bits of the activation.
        input_bits: i32,
        /// Fraction bits of the result.
        output_bits: i32,
    },
    /// `HeadNorm`: reads as many activations as there are gains.
    HeadNorm(NormParameters),
    /// `Input`: reads `count` integers, and bounds them.
    Input {
        /// Number of integers.
        count: usize,
        /// Whether they have 32 bits.
        wide: bool,
    },
    /// `LayerNorm`: reads as many integers of 32 bits as there are gains.
    LayerNorm(NormParameters),
    /// `MatMul` of one row: reads `depth` activations.
    MatMul {
        /// The weights, row by row.
        weights: Vec<i32>,
        /// Number of elements of a row of weights.
        depth: usize,
        /// By how many bits the result of each row is rounded.
        shifts: Vec<i32>,
        /// Whether the results have 32 bits.
        wide: bool,
    },
    /// `MatMulAdd` of one row: reads `depth` activations, then an integer of 32 bits for each row
    /// of weights.
    MatMulAdd {
        /// The weights, row by row.
        weights: Vec<i32>,
        /// Number of elements of a row of weights.
        depth: usize,
        /// By how many bits the result of each row is rounded.
        shifts: Vec<i32>,
    },
    /// `MeanPool`: reads `rows * width` activations.
    MeanPool {
        /// Number of rows.
        rows: usize,
        /// Number of elements of a row.
        width: usize,
    },
    /// `Narrow` of one integer of 32 bits.
    Narrow {
        /// Fraction bits that it loses.
        shift: i32,
    },
    /// `Relu` of one activation.
    Relu {
        /// Fraction bits that it loses.
        shift: i32,
    },
    /// `RmsNorm`: reads as many integers of 32 bits as there are gains.
    RmsNorm(NormParameters),
    /// `Rope` of one head: reads as many activations as there are numbers.
    Rope {
        /// Cosine and sine of each pair.
        rotations: Vec<i16>,
    },
}

/// The parameters of a norm.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NormParameters {
    /// The gain of each element.
    pub gain: Vec<i16>,
    /// Fraction bits of the gains.
    pub gain_bits: i32,
    /// What is added to the sum of squares.
    pub epsilon: u64,
    /// Fraction bits of the results.
    pub output_bits: i32,
    /// Whether the results have 32 bits.
    pub wide: bool,
}

impl NormParameters {
    fn norm(&self) -> Norm<'_> {
        Norm {
            gain: &self.gain,
            gain_bits: self.gain_bits,
            epsilon: self.epsilon,
            output_bits: self.output_bits,
            rsqrt: entries(Table::Rsqrt),
            wide: self.wide,
        }
    }
}

impl Gadget {
    /// Returns the name of the operator.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AddBias { .. } => "AddBias",
            Self::Argmax { .. } => "Argmax",
            Self::Attention { .. } => "Attention",
            Self::CacheAppend { .. } => "CacheAppend",
            Self::GatedSilu { .. } => "GatedSilu",
            Self::Gather { .. } => "Gather",
            Self::Gelu { .. } => "Gelu",
            Self::HeadNorm(_) => "HeadNorm",
            Self::Input { .. } => "Input",
            Self::LayerNorm(_) => "LayerNorm",
            Self::MatMul { .. } => "MatMul",
            Self::MatMulAdd { .. } => "MatMulAdd",
            Self::MeanPool { .. } => "MeanPool",
            Self::Narrow { .. } => "Narrow",
            Self::Relu { .. } => "Relu",
            Self::RmsNorm(_) => "RmsNorm",
            Self::Rope { .. } => "Rope",
        }
    }

    /// Returns for each integer that is read, in order, whether it has 32 bits, and not 16.
    #[must_use]
    pub fn inputs(&self) -> Vec<bool> {
        match self {
            Self::AddBias { added, wide } => vec![*wide; added.len()],
            Self::Argmax { count } => vec![true; *count],
            Self::Attention { head_dim, positions, .. } => {
                vec![false; head_dim * (2 * positions + 1)]
            }
            Self::CacheAppend { count } | Self::Gather { count, .. } => vec![false; *count],
            Self::GatedSilu { .. } => vec![false; 2],
            Self::Gelu { .. } | Self::Relu { .. } => vec![false],
            Self::HeadNorm(norm) => vec![false; norm.gain.len()],
            Self::Input { count, wide } => vec![*wide; *count],
            Self::LayerNorm(norm) | Self::RmsNorm(norm) => vec![true; norm.gain.len()],
            Self::MatMul { depth, .. } => vec![false; *depth],
            Self::MatMulAdd { depth, shifts, .. } => {
                [vec![false; *depth], vec![true; shifts.len()]].concat()
            }
            Self::MeanPool { rows, width } => vec![false; rows * width],
            Self::Narrow { .. } => vec![true],
            Self::Rope { rotations } => vec![false; rotations.len()],
        }
    }

    /// Adds the constraints, and returns the cells that count as given beside those before the
    /// part with the gadget's name.
    pub(super) fn build(&self, builder: &mut Builder, inputs: &[i32]) -> Vec<Cell> {
        let take = |builder: &mut Builder| -> Vec<AssignedInt> {
            let take = |(value, wide): (&i32, bool)| {
                let take = if wide { gadget::take_i32 } else { gadget::take_i16 };
                take(builder, *value)
            };
            inputs.iter().zip(self.inputs()).map(take).collect()
        };
        match self {
            Self::Input { .. } => {
                builder.part(self.name());
                return take(builder).into_iter().map(AssignedInt::cell).collect();
            }
            Self::Gather { rows, .. } => {
                builder.part(self.name());
                let tokens: Vec<u32> = inputs.iter().map(|token| token.unsigned_abs()).collect();
                let tokens = Tokens::new(builder, &tokens, rows.len());
                gadget::gather(builder, &tokens, rows);
                return tokens.numbers.into_iter().map(AssignedInt::cell).collect();
            }
            Self::Attention { head_dim, positions, score_shift } => {
                let mut vectors = take(builder);
                let values = vectors.split_off(head_dim * (positions + 1));
                let keys = vectors.split_off(*head_dim);
                let compress = |key: &[AssignedInt]| {
                    gadget::compress(builder, key, CACHE_BITS, ACTIVATION_BITS)
                };
                let keys: Vec<_> = keys.chunks(*head_dim).map(compress).collect();
                let values: Vec<_> = values.chunks(*head_dim).map(<[_]>::to_vec).collect();
                builder.part(self.name());
                let score_shift = *score_shift;
                let exp = entries(Table::Exp);
                let attended = Attended { keys: &keys, values: &values, score_shift, exp };
                gadget::attend(builder, &vectors, &attended);
                return Vec::new();
            }
            _ => {}
        }
        let mut x = take(builder);
        builder.part(self.name());
        match self {
            Self::AddBias { added, wide } => {
                let added = added.iter().map(|added| i64::from(*added));
                gadget::add_row(builder, &mut x, added, *wide);
            }
            Self::Argmax { .. } => drop(gadget::best(builder, &x)),
            Self::CacheAppend { .. } => {
                let compressed = gadget::compress(builder, &x, CACHE_BITS, ACTIVATION_BITS);
                for value in compressed.values {
                    builder.mul(value, compressed.power);
                }
            }
            Self::GatedSilu { gate_bits, up_bits, output_bits } => {
                let (gate, up) = ((x[0], *gate_bits), (x[1], *up_bits));
                gadget::gated(builder, entries(Table::Sigmoid), gate, up, *output_bits);
            }
            Self::Gelu { form, input_bits, output_bits } => {
                let table = match form {
                    Gelu::Exact => Table::Gelu,
                    Gelu::Tanh => Table::GeluTanh,
                };
                gadget::gelu(builder, (table, entries(table)), x[0], *input_bits, *output_bits);
            }
            Self::HeadNorm(norm) => {
                drop(gadget::rms_norm(builder, &x, &norm.norm(), ACTIVATION_BITS));
            }
            Self::LayerNorm(norm) => drop(gadget::layer_norm(builder, &x, &norm.norm())),
            Self::RmsNorm(norm) => drop(gadget::rms_norm(builder, &x, &norm.norm(), 31)),
            Self::MatMul { weights, depth, shifts, wide } => {
                let sums = builder.product(&x, weights.clone(), *depth);
                gadget::rounded_product(builder, sums, |row| shifts[row % shifts.len()], *wide);
            }
            Self::MatMulAdd { weights, depth, shifts } => {
                let mut residual = x.split_off(*depth);
                let sums = builder.product(&x, weights.clone(), *depth);
                let shift = |row: usize| shifts[row % shifts.len()];
                gadget::rounded_product_add(builder, sums, shift, &mut residual);
            }
            Self::MeanPool { width, .. } => drop(gadget::mean_pool(builder, &x, *width)),
            Self::Narrow { shift } => drop(gadget::narrow(builder, x[0], *shift)),
            Self::Relu { shift } => drop(gadget::relu(builder, x[0], *shift)),
            Self::Rope { rotations } => gadget::rope(builder, &mut x, rotations),
            Self::Attention { .. } | Self::Gather { .. } | Self::Input { .. } => {}
        }
        Vec::new()
    }
}

/// Returns the rows of the tables that are used.
pub(super) fn tables(
    used: impl IntoIterator<Item = Table>,
    range_bits: u32,
) -> BTreeMap<Table, Vec<u32>> {
    let mut tables = BTreeMap::from([(Table::Range, (0..1 << range_bits).collect())]);
    for table in used {
        if table != Table::Range {
            let rows = (0..=u16::MAX).zip(entries(table));
            let rows = rows.map(|(index, entry)| Table::row(index, *entry));
            tables.insert(table, rows.collect());
        }
    }
    tables
}

fn entries(table: Table) -> &'static [u16] {
    static ENTRIES: OnceLock<BTreeMap<Table, Vec<u16>>> = OnceLock::new();
    let all = ENTRIES.get_or_init(|| {
        BTreeMap::from([
            (Table::Exp, table::exp()),
            (Table::Gelu, table::gelu()),
            (Table::GeluTanh, table::gelu_tanh()),
            (Table::Rsqrt, table::reciprocal_sqrt()),
            (Table::Sigmoid, table::sigmoid()),
        ])
    });
    all.get(&table).map_or(&[], Vec::as_slice)
}
