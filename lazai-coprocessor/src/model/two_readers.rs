use super::perceptron::add_matrix;
use crate::{
    artifact::{ArtifactBuilder, Manifest, SPEC_VERSION},
    program::{Format, Operator, Program, RowCount, Value, ValueId},
    table,
};

/// Makes a network of two tokens with what no quantizer makes, for tests: two operators read the
/// tokens, and a row of positions has entries of `2^34`, beyond what a saturated sum takes back.
#[must_use]
pub fn synthetic_two_readers() -> ArtifactBuilder {
    let value = |rows, format, bits| Value { rows, width: 2, format, bits };
    let (tokens, [residual, second, narrowed, output]) =
        (RowCount::Tokens, [0, 1, 2, 3].map(ValueId));
    let name = |name: &str| name.to_owned();
    let program = Program {
        values: vec![
            value(tokens, Format::I32, 24),
            value(tokens, Format::I32, 24),
            value(tokens, Format::I16, 10),
            value(RowCount::Outputs, Format::I32, 24),
        ],
        operators: vec![
            Operator::Gather { table: name("second"), output: second },
            Operator::Narrow { input: second, output: narrowed },
            Operator::Gather { table: name("first"), output: residual },
            Operator::AddPositions { table: name("positions"), residual },
            Operator::MatMulAdd { input: narrowed, weight: name("mix"), residual },
            Operator::LastRows { input: residual, output },
        ],
        logits: Some(output),
        ..Program::default()
    };
    let (context, vocabulary, end_tokens) = (2, 2, Vec::new());
    let name = "two readers".to_owned();
    let mut builder = ArtifactBuilder::network(Manifest {
        spec: SPEC_VERSION,
        name,
        context,
        vocabulary,
        end_tokens,
        program,
    });
    // The first rows are -2^31, saturated, and of moderate size; the positions add 2^34 to them.
    add_matrix(&mut builder, "first", &[-127, -127, 100, -100], &[-10, 20]);
    add_matrix(&mut builder, "positions", &[1, 1, -1, 1], &[-10, -10]);
    add_matrix(&mut builder, "second", &[90, -80, 70, 60], &[7, 7]);
    add_matrix(&mut builder, "mix", &[3, -5, 7, -11], &[16, 16]);
    let exp = table::exp();
    builder.add_u16("table.exp", vec![exp.len() as u64], &exp);
    builder
}
