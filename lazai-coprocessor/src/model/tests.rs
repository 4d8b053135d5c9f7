use super::{
    perceptron::{builder, perceptron},
    *,
};
use crate::{
    artifact::{ArtifactBuilder, ArtifactBytes},
    kernel::WeightMatrix,
    program::{LlamaShape, Operator},
    table,
};

fn network(builder: &ArtifactBuilder) -> Result<Network, ArtifactError> {
    let artifact = Artifact::new(ArtifactBytes::Owned(builder.to_bytes()?))?;
    Network::load_untrusted(artifact, &Threads::single())
}

#[test]
fn a_network_gives_its_parameters_as_integers() {
    let network = network(&builder(perceptron())).unwrap();
    let operators: Vec<_> = network.operators().collect();
    assert_eq!(operators.len(), 5);
    let Parameters::Matrix(weights) = operators[1].1 else { panic!("a product has a matrix") };
    assert_eq!((weights.name(), weights.rows(), weights.columns()), ("a", 3, 40));
    assert_eq!(weights.row_bits(), [7, 8, 9]);
    // 10 + 7 - 9
    assert_eq!([0, 1, 2].map(|row| weights.shift(row)), [8, 9, 10]);
    let row: Vec<i32> = weights.row(1).collect();
    let raw = |column: i32| (40 + column) * 29 % 255 - 127;
    assert_eq!(row[..32], (0..32).map(|column| raw(column) * 4).collect::<Vec<_>>());
    assert_eq!(row[32..], (32..40).map(|column| raw(column) * 2).collect::<Vec<_>>());
    let Parameters::Matrix(weights) = network.parameters(3) else { panic!("a matrix") };
    assert_eq!(weights.shift(1), 9 + 8 - 12);
    for index in [0, 2, 4, 5, usize::MAX] {
        assert!(matches!(network.parameters(index), Parameters::None), "{index}");
    }
    assert!(network.tables().exp.is_empty());
}

#[test]
fn a_network_that_reads_a_tensor_is_no_model() {
    let error = Model::new(network(&builder(perceptron())).unwrap()).unwrap_err();
    assert!(matches!(error, ArtifactError::ReadsTensor), "{error}");
    let tokenizer = ArtifactBuilder::new(perceptron(), b"{}".to_vec());
    let error = network(&tokenizer).unwrap_err();
    assert!(matches!(error, ArtifactError::MissingTensor { .. }), "{error}");
    let mut second = builder(perceptron());
    second.add_u8("tokenizer.json", vec![2], b"{}".to_vec());
    let error = network(&second).unwrap_err();
    assert!(matches!(error, ArtifactError::UnusedTensor { .. }), "{error}");
    let error = network(&builder(Manifest { vocabulary: 2, ..perceptron() })).unwrap_err();
    assert!(matches!(error, ArtifactError::Field { field: "vocabulary", max: 0, .. }), "{error}");
    let error = network(&builder(Manifest { end_tokens: vec![0], ..perceptron() })).unwrap_err();
    assert!(matches!(error, ArtifactError::Field { field: "end_tokens", max: 0, .. }), "{error}");
}

#[test]
fn a_model_gives_the_parameters_that_its_kernels_read() {
    let shape = LlamaShape {
        vocabulary: 258,
        hidden: 72,
        intermediate: 100,
        heads: 4,
        kv_heads: 2,
        head_dim: 10,
        tied: true,
    };
    let bytes = synthetic(&shape, 1, 16, 1).unwrap().to_bytes().unwrap();
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    let model = Model::load_untrusted(artifact, &Threads::single()).unwrap();
    let mut kinds = [0; 6];
    for (operator, parameters) in model.network().operators() {
        match parameters {
            Parameters::Matrix(weights) => {
                kinds[0] += 1;
                let weight: WeightMatrix<'_> = weights.product().unwrap();
                let product =
                    matches!(operator, Operator::MatMul { .. } | Operator::MatMulAdd { .. });
                for row in 0..weights.rows() {
                    let expected =
                        (0..weights.columns()).map(|k| i32::from(weight.effective(row, k)));
                    assert!(weights.row(row).eq(expected));
                    let shift = i32::from(weight.shifts()[row]);
                    assert!(!product || weights.shift(row) == shift, "{operator:?}");
                }
            }
            Parameters::Norm { gain, rsqrt } => {
                kinds[1] += 1;
                assert_eq!((gain.len(), rsqrt), (72, &table::reciprocal_sqrt()[..]));
            }
            Parameters::Rotations(rope) => {
                kinds[2] += 1;
                assert_eq!(rope, model.network().tables().rope);
                assert_eq!(rope.len(), 16 * 10);
            }
            Parameters::Table(entries) => {
                kinds[3] += 1;
                let sigmoid = matches!(operator, Operator::GatedSilu { .. });
                assert_eq!(entries, if sigmoid { table::sigmoid() } else { table::exp() });
            }
            Parameters::Bias(_) => kinds[4] += 1,
            Parameters::None => kinds[5] += 1,
        }
    }
    // The embedding twice and 7 of the layer; norms of the layer, the last one twice, the unit
    // vector.
    assert_eq!(kinds, [9, 5, 2, 2, 0, 3]);
}
