use crate::{
    artifact::{ArtifactBuilder, Manifest, SPEC_VERSION},
    program::{Format, Operator, Program, RowCount, Value, ValueId},
};

/// Makes a network of two products with `Relu` between them that reads up to four rows of 40
/// numbers, for tests: no model, since it reads a tensor.
#[must_use]
pub fn synthetic_perceptron() -> ArtifactBuilder {
    builder(perceptron())
}

/// `relu(x A^T) B^T` of rows of 40 numbers.
pub(crate) fn perceptron() -> Manifest {
    let value = |rows, width, format, bits| Value { rows, width, format, bits };
    let (tokens, [input, hidden, clamped, product, output]) =
        (RowCount::Tokens, [0, 1, 2, 3, 4].map(ValueId));
    let weight = |name: &str| name.to_owned();
    let program = Program {
        values: vec![
            value(tokens, 40, Format::I16, 10),
            value(tokens, 3, Format::I16, 9),
            value(tokens, 3, Format::I16, 9),
            value(tokens, 2, Format::I32, 12),
            value(RowCount::Outputs, 2, Format::I32, 12),
        ],
        operators: vec![
            Operator::Input { output: input },
            Operator::MatMul { input, weight: weight("a"), output: hidden },
            Operator::Relu { input: hidden, output: clamped },
            Operator::MatMul { input: clamped, weight: weight("b"), output: product },
            Operator::LastRows { input: product, output },
        ],
        logits: Some(output),
        ..Program::default()
    };
    let name = "perceptron".to_owned();
    let (context, vocabulary, end_tokens) = (4, 0, Vec::new());
    Manifest { spec: SPEC_VERSION, name, context, vocabulary, end_tokens, program }
}

/// Adds a matrix of rows of up to 32 columns without exponents.
pub(super) fn add_matrix(
    builder: &mut ArtifactBuilder,
    name: &str,
    values: &[i8],
    row_bits: &[i8],
) {
    let (rows, columns) = (row_bits.len() as u64, (values.len() / row_bits.len()) as u64);
    builder.add_i8(format!("{name}.values"), vec![rows, columns], values);
    builder.add_u8(format!("{name}.exponents"), vec![rows, 1], vec![0; row_bits.len()]);
    builder.add_i8(format!("{name}.row_bits"), vec![rows], row_bits);
}

pub(crate) fn builder(manifest: Manifest) -> ArtifactBuilder {
    let mut builder = ArtifactBuilder::network(manifest);
    for (name, rows, columns) in [("a", 3, 40), ("b", 2, 3)] {
        let values: Vec<i8> =
            (0..rows * columns).map(|index| (index * 29 % 255 - 127) as i8).collect();
        let shape = vec![rows as u64, columns as u64];
        builder.add_i8(format!("{name}.values"), shape, &values);
        // Two groups of 32 columns: 2 and then 1, or one of 2.
        let exponents = if columns > 32 { 0b01_10 } else { 0b10 };
        let shape = vec![rows as u64, 1];
        builder.add_u8(format!("{name}.exponents"), shape, vec![exponents; rows as usize]);
        let row_bits: Vec<i8> = (0..rows as i8).map(|row| 7 + row).collect();
        builder.add_i8(format!("{name}.row_bits"), vec![rows as u64], &row_bits);
    }
    builder
}
