use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    artifact::{Artifact, ArtifactBuilder, ArtifactBytes, Manifest, SPEC_VERSION},
    kernel::Threads,
    model::{Network, synthetic},
    program::{Format, LlamaShape, Operator, Program, RowCount, Target, Value, ValueId},
};

/// `relu(x A^T) B^T + b` of rows of 5 numbers, in `format`.
fn perceptron(format: Format) -> Network {
    let value = |rows, width, format, bits| Value { rows, width, format, bits };
    let (tokens, narrow, wide) = (RowCount::Tokens, Format::I16, Format::I32);
    let [input, x, hidden, clamped, product, output] = [0, 1, 2, 3, 4, 5].map(ValueId);
    let x = if format == narrow { input } else { x };
    let weight = |name: &str| name.to_owned();
    let mut operators = vec![Operator::Input { output: input }];
    if format == wide {
        operators.push(Operator::Narrow { input, output: x });
    }
    operators.extend([
        Operator::MatMul { input: x, weight: weight("a"), output: hidden },
        Operator::Relu { input: hidden, output: clamped },
        Operator::MatMul { input: clamped, weight: weight("b"), output: product },
        Operator::AddBias { value: product, bias: "b.bias".to_owned() },
        Operator::LastRows { input: product, output },
    ]);
    let program = Program {
        values: vec![
            value(tokens, 5, format, 10),
            value(tokens, 5, narrow, 10),
            value(tokens, 7, narrow, 9),
            value(tokens, 7, narrow, 7),
            value(tokens, 3, wide, 12),
            value(RowCount::Outputs, 3, wide, 12),
        ],
        operators,
        logits: Some(output),
        ..Program::default()
    };
    let name = "perceptron".to_owned();
    let manifest = Manifest {
        spec: SPEC_VERSION,
        name,
        context: 6,
        vocabulary: 0,
        end_tokens: vec![],
        program,
    };
    let mut builder = ArtifactBuilder::network(manifest);
    for (name, rows, columns) in [("a", 7_u8, 5_u8), ("b", 3, 7)] {
        let values: Vec<i8> = (0..rows * columns).map(weight_of).collect();
        builder.add_i8(format!("{name}.values"), vec![rows.into(), columns.into()], &values);
        builder.add_u8(format!("{name}.exponents"), vec![rows.into(), 1], vec![1; rows.into()]);
        builder.add_i8(format!("{name}.row_bits"), vec![rows.into()], &vec![7; rows.into()]);
    }
    builder.add_i32("b.bias", vec![3], &[100, -100, i32::MAX]);
    let artifact = Artifact::new(ArtifactBytes::Owned(builder.to_bytes().unwrap())).unwrap();
    Network::load_untrusted(artifact, &Threads::single()).unwrap()
}

fn weight_of(index: u8) -> i8 {
    i8::try_from(i32::from(index) * 53 % 255 - 127).unwrap()
}

/// The same in 128 bits, from the formulas alone.
fn expected(x: &[i32]) -> Vec<i128> {
    let product = |x: &[i128], rows: usize, shift: u32| -> Vec<i128> {
        let row = |row: usize| {
            let weights = (0_u8..).map(|index| 2 * i128::from(weight_of(index)));
            let sum: i128 = weights.skip(row * x.len()).zip(x).map(|(w, x)| w * x).sum();
            (sum + (1 << (shift - 1))) >> shift
        };
        (0..rows).map(row).collect()
    };
    let activation = |x: i128| x.clamp(-32_768, 32_639);
    let mut rows = Vec::new();
    for x in x.chunks(5) {
        let x: Vec<i128> = x.iter().map(|x| activation(i128::from(*x))).collect();
        let hidden = product(&x, 7, 10 + 7 - 9).into_iter().map(activation);
        let clamped: Vec<i128> = hidden.map(|x| activation((x.max(0) + 2) >> 2)).collect();
        let scores = product(&clamped, 3, 7 + 7 - 12);
        let bias = [100, -100, i128::from(i32::MAX)];
        let range = i128::from(i32::MIN)..=i128::from(i32::MAX);
        let sums = scores.iter().zip(bias).map(|(score, bias)| score + bias);
        rows.extend(sums.map(|sum| sum.clamp(*range.start(), *range.end())));
    }
    rows
}

proptest! {
    #[test]
    fn a_network_that_reads_a_tensor_is_its_formula(
        rows in vec(vec(prop_oneof![-2_000_i32..2_000, -32_768_i32..=32_639], 5), 1..=6),
        outputs in 1_usize..=6,
    ) {
        let input = rows.concat();
        let outputs = outputs.min(rows.len());
        for format in [Format::I16, Format::I32] {
            let network = perceptron(format);
            let trace =
                Trace::record(&network, Target::Logits, Input::Tensor(&input), outputs).unwrap();
            let got: Vec<i128> = trace.output().integers.iter().map(|y| i128::from(*y)).collect();
            prop_assert_eq!(got, expected(&input[input.len() - 5 * outputs..]));
            prop_assert_eq!(&trace.records[0].write.as_ref().unwrap().integers[..], &input[..]);
            prop_assert!(trace.records[0].reads.is_empty());
        }
    }
}

#[test]
fn values_in_place_are_recorded_before_and_after() {
    let network = perceptron(Format::I16);
    let trace = Trace::record(&network, Target::Logits, Input::Tensor(&[1_000; 5]), 1).unwrap();
    let record = &trace.records[4];
    assert!(matches!(network.program().operators[record.operator], Operator::AddBias { .. }));
    let (before, after) = (&record.reads[0], record.write.as_ref().unwrap());
    assert_eq!(before.value, after.value);
    assert_eq!(after.integers[0], before.integers[0] + 100);
    assert_eq!(trace.records[3].write.as_ref(), Some(before));
    assert_eq!(trace.records[5].reads[0], *after);
    assert!(trace.tokens.is_empty());
}

#[test]
fn inputs_that_the_network_does_not_read_are_refused() {
    let network = perceptron(Format::I16);
    let record = |input, outputs| {
        Trace::record(&network, Target::Logits, input, outputs).map(|_| ()).unwrap_err()
    };
    let width = 5;
    assert_eq!(record(Input::Tensor(&[0; 7]), 1), TraceError::InputLength { width, got: 7 });
    let got = 32_640;
    let large = [0, 0, got, 0, 0];
    assert_eq!(record(Input::Tensor(&large), 1), TraceError::Activation { index: 2, got });
    let (expected, got) = ("a tensor", "tokens");
    assert_eq!(record(Input::Tokens(&[1]), 1), TraceError::InputKind { expected, got });
    let limit = |what, got, max| TraceError::Limit { what, got, min: 1, max };
    assert_eq!(record(Input::Tensor(&[]), 1), limit("the number of rows", 0, 6));
    assert_eq!(record(Input::Tensor(&[0; 35]), 1), limit("the number of rows", 7, 6));
    assert_eq!(record(Input::Tensor(&[0; 10]), 3), limit("the number of outputs", 3, 2));
    assert_eq!(record(Input::Tensor(&[0; 10]), 0), limit("the number of outputs", 0, 2));
    let refused = Trace::record(&network, Target::Embedding, Input::Tensor(&[0; 5]), 1);
    assert_eq!(refused.unwrap_err(), TraceError::Target { target: "embedding" });
    // What is too large for 16 bits is none of the network's business if it reads 32.
    let wide = perceptron(Format::I32);
    assert!(Trace::record(&wide, Target::Logits, Input::Tensor(&large), 1).is_ok());

    let shape = LlamaShape {
        vocabulary: 258,
        hidden: 1 << 13,
        intermediate: 2,
        heads: 1,
        kv_heads: 1,
        head_dim: 2,
        tied: true,
    };
    let bytes = synthetic(&shape, 1, 1 << 15, 1).unwrap().to_bytes().unwrap();
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    let model = Network::load_untrusted(artifact, &Threads::single()).unwrap();
    let record = |input| Trace::record(&model, Target::Logits, input, 1).map(|_| ()).unwrap_err();
    let token = TraceError::Token { token: 258, index: 1, vocabulary: 258 };
    assert_eq!(record(Input::Tokens(&[0, 258])), token);
    let (expected, got) = ("tokens", "a tensor");
    assert_eq!(record(Input::Tensor(&[0])), TraceError::InputKind { expected, got });
    let error = record(Input::Tokens(&vec![1; 1 << 15]));
    assert!(matches!(error, TraceError::Limit { what: "the number of integers", .. }), "{error}");
}
