use std::{collections::BTreeMap, sync::OnceLock};

use lazai_coprocessor::{
    architecture::Gelu,
    numeric::{ACTIVATION_BITS, ACTIVATION_MAX, ACTIVATION_MIN, CACHE_BITS},
    table,
};

use crate::{
    builder::{AssignedInt, Builder},
    constraints::Cell,
    gadget::{self, Attended, Compressed, Norm, Tokens},
    table::Table,
};

/// A gadget with its parameters: the constraints of one operator on a few integers.
///
/// Each variant says which integers it reads. Activations are within 16 bits, others within 32.
#[derive(Clone, Debug)]
pub enum Gadget {
    /// `AddBias` and `AddPositions`: reads as many integers as are added.
    AddBias {
        /// What is added, within 2^62.
        added: Vec<i64>,
        /// Whether the integers have 32 bits.
        wide: bool,
    },
    /// The index of the largest logit: reads `count` integers of 32 bits.
    Argmax {
        /// Number of logits.
        count: usize,
    },
    /// `Attention` of one head and one query: reads the query, then the keys, then the values of
    /// all positions, all of them activations. Keys and values are compressed as in a cache.
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
    /// The check alone that an integer, which is not negative, has so many bits: reads one, and
    /// bounds it.
    Range {
        /// Number of bits, up to 31.
        bits: u32,
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
            Self::Range { .. } => "Range",
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
            Self::Narrow { .. } | Self::Range { .. } => vec![true],
            Self::Rope { rotations } => vec![false; rotations.len()],
        }
    }

    /// Returns the least and the largest value of each integer that the gadget itself bounds.
    #[must_use]
    pub fn bounds(&self) -> Option<Vec<(i32, i32)>> {
        match self {
            Self::Input { count, wide: false } => {
                Some(vec![(ACTIVATION_MIN.into(), ACTIVATION_MAX.into()); *count])
            }
            Self::Input { count, wide: true } => Some(vec![(i32::MIN, i32::MAX); *count]),
            Self::Range { bits } => Some(vec![(0, ((1_i64 << bits) - 1) as i32)]),
            _ => None,
        }
    }

    /// Adds the constraints of what the gadget reads, and those of the gadget in a part of its
    /// name.
    pub(super) fn build(&self, builder: &mut Builder, inputs: &[i32]) -> Built {
        let built = |read: &[AssignedInt], made: &[AssignedInt]| {
            let cells = |values: &[AssignedInt]| values.iter().map(|value| value.cell()).collect();
            Built { read: cells(read), made: cells(made) }
        };
        let take = |builder: &mut Builder| -> Vec<AssignedInt> {
            let take = |(value, wide): (&i32, bool)| {
                let take = if wide { gadget::take_i32 } else { gadget::take_i16 };
                take(builder, *value)
            };
            inputs.iter().zip(self.inputs()).map(take).collect()
        };
        // These make themselves what they read.
        match self {
            Self::Input { .. } => {
                builder.part(self.name());
                return built(&take(builder), &[]);
            }
            Self::Range { bits } => {
                builder.part(self.name());
                let value = builder.witness(inputs.first().copied().unwrap_or(0).into());
                builder.range_check(value, *bits);
                return built(&[value], &[]);
            }
            Self::Gather { rows, .. } => {
                builder.part(self.name());
                let tokens: Vec<u32> = inputs.iter().map(|token| token.unsigned_abs()).collect();
                let tokens = Tokens::new(builder, &tokens, rows.len());
                let rows = gadget::gather(builder, &tokens, rows);
                return built(&tokens.numbers, &rows);
            }
            _ => {}
        }
        let x = take(builder);
        let compressed = match self {
            Self::Attention { head_dim, positions, .. } => {
                cached(builder, &x[*head_dim..], *head_dim, *positions)
            }
            _ => Cached::default(),
        };
        builder.part(self.name());
        built(&[], &self.apply(builder, x, &compressed))
    }

    /// Adds the constraints of the gadget alone, and returns its results.
    fn apply(
        &self,
        builder: &mut Builder,
        mut x: Vec<AssignedInt>,
        (keys, values): &Cached,
    ) -> Vec<AssignedInt> {
        match self {
            Self::AddBias { added, wide } => {
                gadget::add_row(builder, &mut x, added.iter().copied(), *wide);
            }
            Self::Argmax { .. } => return vec![gadget::best(builder, &x)],
            Self::Attention { head_dim, score_shift, .. } => {
                let exp = entries(Table::Exp);
                let attended = Attended { keys, values, score_shift: *score_shift, exp };
                return gadget::attend(builder, &x[..*head_dim], &attended);
            }
            Self::CacheAppend { .. } => {
                let compressed = gadget::compress(builder, &x, CACHE_BITS, ACTIVATION_BITS);
                let values = compressed.values.iter();
                return values.map(|value| builder.mul(*value, compressed.power)).collect();
            }
            Self::GatedSilu { gate_bits, up_bits, output_bits } => {
                let (gate, up) = ((x[0], *gate_bits), (x[1], *up_bits));
                let sigmoid = entries(Table::Sigmoid);
                return vec![gadget::gated(builder, sigmoid, gate, up, *output_bits)];
            }
            Self::Gelu { form, input_bits, output_bits } => {
                let table = match form {
                    Gelu::Exact => Table::Gelu,
                    Gelu::Tanh => Table::GeluTanh,
                };
                let table = (table, entries(table));
                return vec![gadget::gelu(builder, table, x[0], *input_bits, *output_bits)];
            }
            Self::HeadNorm(norm) => {
                return gadget::rms_norm(builder, &x, &norm.norm(), ACTIVATION_BITS);
            }
            Self::LayerNorm(norm) => return gadget::layer_norm(builder, &x, &norm.norm()),
            Self::RmsNorm(norm) => return gadget::rms_norm(builder, &x, &norm.norm(), 31),
            Self::MatMul { weights, depth, shifts, wide } => {
                let sums = builder.product(&x, weights.clone(), *depth);
                let shift = |row: usize| shifts[row % shifts.len()];
                return gadget::rounded_product(builder, sums, shift, *wide);
            }
            Self::MatMulAdd { weights, depth, shifts } => {
                let mut residual = x.split_off(*depth);
                let sums = builder.product(&x, weights.clone(), *depth);
                let shift = |row: usize| shifts[row % shifts.len()];
                gadget::rounded_product_add(builder, sums, shift, &mut residual);
                return residual;
            }
            Self::MeanPool { width, .. } => return gadget::mean_pool(builder, &x, *width),
            Self::Narrow { shift } => return vec![gadget::narrow(builder, x[0], *shift)],
            Self::Relu { shift } => return vec![gadget::relu(builder, x[0], *shift)],
            Self::Rope { rotations } => gadget::rope(builder, &mut x, rotations),
            Self::Gather { .. } | Self::Input { .. } | Self::Range { .. } => {}
        }
        x
    }
}

/// The cells that a gadget in a circuit of its own reads and makes.
#[derive(Clone, Debug, Default)]
pub(super) struct Built {
    /// What counts as given beside all that is made before the part with the gadget's name.
    pub(super) read: Vec<Cell>,
    /// The results.
    pub(super) made: Vec<Cell>,
}

/// Keys and values as they stand in a cache.
type Cached = (Vec<Compressed>, Vec<Vec<AssignedInt>>);

/// Compresses keys and values.
fn cached(
    builder: &mut Builder,
    vectors: &[AssignedInt],
    head_dim: usize,
    positions: usize,
) -> Cached {
    let (keys, values) = vectors.split_at(head_dim * positions);
    let mut compress =
        |vector: &[AssignedInt]| gadget::compress(builder, vector, CACHE_BITS, ACTIVATION_BITS);
    let keys = keys.chunks(head_dim).map(&mut compress).collect();
    let values: Vec<_> = values.chunks(head_dim).map(compress).collect();
    let scaled = |value: Compressed| {
        value.values.iter().map(|v| builder.mul(*v, value.power)).collect::<Vec<_>>()
    };
    (keys, values.into_iter().map(scaled).collect())
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
