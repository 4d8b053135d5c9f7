use super::{Operator, ValueId};
use crate::architecture::Gelu;

/// What all parts of the engine must know of an operator but its arithmetic and its shape rule.
///
/// This is the one table of the operators: the planner, the work rules, the artifact's reader and
/// the executor look here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature<'a> {
    /// The name in docs/numerics.md.
    pub(crate) name: &'static str,
    /// The values that are read, those in place included.
    pub(crate) reads: [Option<ValueId>; 2],
    /// The value that is written, in place or anew.
    pub(crate) writes: Option<ValueId>,
    /// Whether the written value is also read.
    pub(crate) in_place: bool,
    /// The operations of a row.
    pub(crate) work: RowWork,
    /// The tensors of the artifact that belong to the operator.
    pub(crate) parameters: ParameterSpec<'a>,
}

/// The operations of a row of an operator; those of pairs of attention are counted apart.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowWork {
    /// So many for each element of a value.
    Elements(u64, ValueId),
    /// None.
    Free,
    /// So many for each element of two values that have the same rows.
    Pair(u64, ValueId, ValueId),
    /// Two for each weight of a product.
    Product { input: ValueId, output: ValueId },
    /// Two for each weight of a product, and one for each element that it is added to.
    ProductAdd { input: ValueId, residual: ValueId },
}

/// The tensors of the artifact that belong to an operator.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ParameterSpec<'a> {
    /// An added row as wide as `value`.
    Bias { name: &'a str, value: ValueId },
    /// Nothing: operators that only move, round, clamp or sum.
    None,
    /// A gain and the table `RSQRT`.
    Norm { gain: &'a str, width: GainWidth },
    /// The matrix of a product.
    Product { name: &'a str, input: ValueId, output: ValueId },
    /// The table `ROPE` of heads of `head_dim` elements.
    Rotations { head_dim: u32 },
    /// A matrix with a row, as wide as `output`, for each position or token.
    Rows { name: &'a str, count: RowsOf, output: ValueId },
    /// A table that is looked up.
    Table(TableKind),
}

/// Elements of a gain.
#[derive(Clone, Copy, Debug)]
pub(crate) enum GainWidth {
    /// Those of a head.
    Head(u32),
    /// Those of a row of the value.
    Row(ValueId),
}

/// What a matrix has a row for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RowsOf {
    /// Each position of the context.
    Context,
    /// Each token of the vocabulary.
    Vocabulary,
}

/// A table of 65,536 entries.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TableKind {
    /// `EXP`.
    Exp,
    /// `GELU` or `GELU_TANH`.
    Gelu(Gelu),
    /// `SIGMOID`.
    Sigmoid,
}

impl<'a> Signature<'a> {
    /// An operator that writes anew.
    const fn new(name: &'static str, reads: [Option<ValueId>; 2], writes: ValueId) -> Self {
        Self {
            name,
            reads,
            writes: Some(writes),
            in_place: false,
            work: RowWork::Free,
            parameters: ParameterSpec::None,
        }
    }

    /// An operator from one value to another.
    const fn map(name: &'static str, input: ValueId, output: ValueId) -> Self {
        Self::new(name, [Some(input), None], output)
    }

    /// An operator on one value in place.
    const fn update(name: &'static str, value: ValueId) -> Self {
        Self { in_place: true, ..Self::map(name, value, value) }
    }

    const fn work(self, work: RowWork) -> Self {
        Self { work, ..self }
    }

    const fn parameters(self, parameters: ParameterSpec<'a>) -> Self {
        Self { parameters, ..self }
    }
}

impl Operator {
    /// The names of all operators, in order.
    pub const NAMES: [&'static str; 19] = [
        "AddBias",
        "AddPositions",
        "Attention",
        "CacheAppend",
        "FirstRow",
        "GatedSilu",
        "Gather",
        "Gelu",
        "HeadNorm",
        "Input",
        "LastRows",
        "LayerNorm",
        "MatMul",
        "MatMulAdd",
        "MeanPool",
        "Narrow",
        "Relu",
        "RmsNorm",
        "Rope",
    ];

    /// Returns the name in docs/numerics.md.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.signature().name
    }

    /// Returns the value that is written, in place or anew; `None` if a cache is.
    #[must_use]
    pub const fn writes(&self) -> Option<ValueId> {
        self.signature().writes
    }

    /// Returns the values that are read, those in place included.
    pub fn reads(&self) -> impl Iterator<Item = ValueId> + use<> {
        self.signature().reads.into_iter().flatten()
    }

    /// Returns whether the written value is also read.
    #[must_use]
    pub const fn in_place(&self) -> bool {
        self.signature().in_place
    }

    /// Returns the row of the table of operators.
    pub(crate) const fn signature(&self) -> Signature<'_> {
        use ParameterSpec as Spec;
        use RowWork::{Elements, Free, Pair, Product, ProductAdd};
        match self {
            Self::AddBias { value, bias } => Signature::update("AddBias", *value)
                .work(Elements(1, *value))
                .parameters(Spec::Bias { name: bias.as_str(), value: *value }),
            Self::AddPositions { table, residual } => Signature::update("AddPositions", *residual)
                .work(Elements(2, *residual))
                .parameters(Spec::Rows {
                    name: table.as_str(),
                    count: RowsOf::Context,
                    output: *residual,
                }),
            Self::Attention { query, output, .. } => Signature::map("Attention", *query, *output)
                .work(Elements(1, *output))
                .parameters(Spec::Table(TableKind::Exp)),
            Self::CacheAppend { key, value, .. } => Signature {
                name: "CacheAppend",
                reads: [Some(*key), Some(*value)],
                writes: None,
                in_place: false,
                work: Pair(2, *key, *value),
                parameters: Spec::None,
            },
            Self::FirstRow { input, output } => {
                Signature::map("FirstRow", *input, *output).work(Free)
            }
            Self::GatedSilu { gate, up, output } => {
                Signature::new("GatedSilu", [Some(*gate), Some(*up)], *output)
                    .work(Elements(4, *output))
                    .parameters(Spec::Table(TableKind::Sigmoid))
            }
            Self::Gather { table, output } => Signature::new("Gather", [None, None], *output)
                .work(Elements(1, *output))
                .parameters(Spec::Rows {
                    name: table.as_str(),
                    count: RowsOf::Vocabulary,
                    output: *output,
                }),
            Self::Gelu { input, form, output } => Signature::map("Gelu", *input, *output)
                .work(Elements(3, *output))
                .parameters(Spec::Table(TableKind::Gelu(*form))),
            Self::HeadNorm { input, gain, head_dim, output, .. } => {
                Signature::map("HeadNorm", *input, *output).work(Elements(6, *output)).parameters(
                    Spec::Norm { gain: gain.as_str(), width: GainWidth::Head(*head_dim) },
                )
            }
            Self::Input { output } => Signature::new("Input", [None, None], *output).work(Free),
            Self::LastRows { input, output } => {
                Signature::map("LastRows", *input, *output).work(Free)
            }
            Self::LayerNorm { input, gain, output, .. } => {
                Signature::map("LayerNorm", *input, *output)
                    .work(Elements(8, *output))
                    .parameters(Spec::Norm { gain: gain.as_str(), width: GainWidth::Row(*input) })
            }
            Self::MatMul { input, weight, output } => Signature::map("MatMul", *input, *output)
                .work(Product { input: *input, output: *output })
                .parameters(Spec::Product {
                    name: weight.as_str(),
                    input: *input,
                    output: *output,
                }),
            Self::MatMulAdd { input, weight, residual } => Signature {
                in_place: true,
                ..Signature::new("MatMulAdd", [Some(*input), Some(*residual)], *residual)
            }
            .work(ProductAdd { input: *input, residual: *residual })
            .parameters(Spec::Product {
                name: weight.as_str(),
                input: *input,
                output: *residual,
            }),
            Self::MeanPool { input, output } => {
                Signature::map("MeanPool", *input, *output).work(Elements(1, *input))
            }
            Self::Narrow { input, output } => {
                Signature::map("Narrow", *input, *output).work(Elements(1, *output))
            }
            Self::Relu { input, output } => {
                Signature::map("Relu", *input, *output).work(Elements(2, *output))
            }
            Self::RmsNorm { input, gain, output, .. } => Signature::map("RmsNorm", *input, *output)
                .work(Elements(6, *output))
                .parameters(Spec::Norm { gain: gain.as_str(), width: GainWidth::Row(*input) }),
            Self::Rope { value, head_dim } => Signature::update("Rope", *value)
                .work(Elements(3, *value))
                .parameters(Spec::Rotations { head_dim: *head_dim }),
        }
    }
}
