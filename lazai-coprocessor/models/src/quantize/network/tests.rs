use lazai_coprocessor::{
    artifact::{Artifact, ArtifactBytes},
    model::Network,
    program::Target,
    trace::{Input, Trace},
};
use proptest::prelude::*;

use super::*;
use crate::quantize::to_integers;
use crate::reference::float_network_tests::{BLOCK, PERCEPTRON, Tensors, block, file, perceptron};

fn integers(network: &FloatNetwork) -> Network {
    let artifact = quantize_network(network, 1, &Threads::single()).unwrap();
    let bytes = artifact.to_bytes().unwrap();
    let two = Threads::new(2).unwrap();
    assert_eq!(quantize_network(network, 1, &two).unwrap().to_bytes().unwrap(), bytes);
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    Network::load_untrusted(artifact, &Threads::single()).unwrap()
}

/// The root mean square of the integers' error over all samples, relative to the outputs.
fn error(manifest: &str, tensors: &Tensors) -> f64 {
    let float = FloatNetwork::read(&file(manifest, tensors)).unwrap();
    let network = integers(&float);
    let program = network.program();
    let value = |id: ValueId| program.values[id.index()];
    let (input, output) =
        (value(program.input().unwrap()), value(program.output(Target::Logits).unwrap()));
    let (mut error, mut power) = (0.0, 0.0);
    for sample in float.inputs() {
        let input = to_integers(&input, sample);
        let trace =
            Trace::record(&network, Target::Logits, Input::Tensor(&input), float.rows()).unwrap();
        let expected = float.run(sample).unwrap();
        assert_eq!(trace.output().integers.len(), expected.len());
        for (got, expected) in trace.output().integers.iter().zip(expected) {
            let expected = f64::from(expected);
            error += (f64::from(*got) * output.unit() - expected).powi(2);
            power += expected.powi(2);
        }
    }
    (error / power).sqrt()
}

/// Weights of 8 bits are the error: about 0.7 % of each product of weights that spread over their
/// whole range.
#[test]
fn a_perceptron_of_integers_is_near_its_floats() {
    let got = error(PERCEPTRON, &perceptron(&[64, 64, 10], 20, 1));
    assert!(got < 0.02, "{got}");
    let got = error(PERCEPTRON, &perceptron(&[100, 128, 64, 10], 5, 3));
    assert!(got < 0.02, "{got}");
}

#[test]
fn a_block_of_integers_is_near_its_floats() {
    let got = error(BLOCK, &block(32, 128, 10, 8));
    assert!(got < 0.012, "{got}");
    let one = r#"{"kind":"block","name":"b","heads":1,"epsilon":0.01}"#;
    let got = error(one, &block(64, 256, 3, 16));
    assert!(got < 0.012, "{got}");
}

#[test]
fn relu_rounds_nothing() {
    let float = FloatNetwork::read(&file(BLOCK, &block(8, 16, 2, 3))).unwrap();
    let network = integers(&float);
    let values = &network.program().values;
    let mut clamps = 0;
    for operator in &network.program().operators {
        if let Operator::Relu { input, output } = operator {
            clamps += 1;
            assert_eq!(values[input.index()].bits, values[output.index()].bits);
        }
    }
    assert_eq!(clamps, 1);
    assert_eq!(network.manifest().name, "b");
    assert_eq!((network.manifest().context, network.manifest().vocabulary), (3, 0));
}

#[test]
fn numbers_without_an_integer_are_refused() {
    let mut tensors = perceptron(&[4, 3, 2], 1, 1);
    tensors.get_mut("input").unwrap().1[0] = 3e38;
    tensors.get_mut("layers.0.weight").unwrap().1.fill(3e38);
    let float = FloatNetwork::read(&file(PERCEPTRON, &tensors)).unwrap();
    let error = quantize_network(&float, 1, &Threads::single()).unwrap_err();
    assert_eq!(error, QuantizeError::NotFinite { point: "Product(0)".to_owned() });
    tensors.get_mut("layers.0.weight").unwrap().1.fill(0.0);
    let float = FloatNetwork::read(&file(PERCEPTRON, &tensors)).unwrap();
    let error = quantize_network(&float, 1, &Threads::single()).unwrap_err();
    assert!(matches!(error, QuantizeError::TooLarge { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A changed byte of a network's artifact: refused, or a network that runs.
    #[test]
    fn changed_artifacts_are_refused_or_run(
        which in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..3), 1..4),
    ) {
        let float = if which { file(PERCEPTRON, &perceptron(&[4, 3, 2], 1, 2)) } else { file(BLOCK, &block(4, 3, 1, 2)) };
        let float = FloatNetwork::read(&float).unwrap();
        let artifact = quantize_network(&float, 1, &Threads::single()).unwrap();
        let mut bytes = artifact.to_bytes().unwrap();
        let artifact = Artifact::new(ArtifactBytes::Owned(bytes.clone())).unwrap();
        let manifest = artifact.tensors()["manifest.json"].range();
        let header = 8 + bytes[0] as usize + 256 * bytes[1] as usize;
        for (index, byte, part) in changes {
            let position = match part {
                0 => index.index(header),
                1 => index.index(bytes.len()),
                // A digit of the manifest: another size, scale or operand.
                _ => {
                    let digit = |position: &usize| bytes[*position].is_ascii_digit();
                    let digits: Vec<usize> = manifest.clone().filter(digit).collect();
                    let position = digits[index.index(digits.len())];
                    bytes[position] = b'0' + byte % 10;
                    continue;
                }
            };
            bytes[position] = byte;
        }
        let Ok(artifact) = Artifact::new(ArtifactBytes::Owned(bytes)) else { return Ok(()) };
        let Ok(network) = Network::load_untrusted(artifact, &Threads::single()) else { return Ok(()) };
        let program = network.program();
        let Some(input) = program.input() else { return Ok(()) };
        let rows = network.manifest().context.min(4) as usize;
        let input = vec![1_000; rows * program.values[input.index()].width as usize];
        let trace = Trace::record(&network, Target::Logits, Input::Tensor(&input), rows);
        prop_assert!(trace.is_ok() || program.logits.is_none());
    }
}
