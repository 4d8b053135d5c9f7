use std::collections::BTreeMap;

use proptest::prelude::*;
use safetensors::{Dtype, tensor::TensorView};

use super::*;

/// Tensors by name: a shape and elements.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// The bytes of a file with this manifest.
pub(crate) fn file(manifest: &str, tensors: &Tensors) -> Vec<u8> {
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .iter()
        .map(|(name, (shape, elements))| {
            let bytes = elements.iter().flat_map(|element| element.to_le_bytes()).collect();
            (name.clone(), shape.clone(), bytes)
        })
        .collect();
    let views = data.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).unwrap())
    });
    let metadata = [("network".to_owned(), manifest.to_owned())].into_iter().collect();
    safetensors::serialize(views, Some(metadata)).unwrap()
}

/// Numbers of about a normal distribution with this deviation.
pub(crate) fn numbers(shape: &[usize], deviation: f32, seed: u64) -> (Vec<usize>, Vec<f32>) {
    let mut state = seed;
    let mut uniform = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    let number = |_| (uniform() + uniform() + uniform()) * deviation;
    (shape.to_vec(), (0..shape.iter().product()).map(number).collect())
}

pub(crate) const PERCEPTRON: &str = r#"{"kind":"perceptron","name":"p"}"#;

/// A perceptron of these widths, with a bias in every second layer.
pub(crate) fn perceptron(widths: &[usize], samples: usize, rows: usize) -> Tensors {
    let mut tensors = Tensors::new();
    for (index, pair) in widths.windows(2).enumerate() {
        let deviation = 1.0 / (pair[0] as f32).sqrt();
        let weight = numbers(&[pair[1], pair[0]], deviation, index as u64);
        tensors.insert(format!("layers.{index}.weight"), weight);
        if index % 2 == 1 {
            tensors.insert(format!("layers.{index}.bias"), numbers(&[pair[1]], 0.3, 7));
        }
    }
    tensors.insert("input".to_owned(), numbers(&[samples, rows, widths[0]], 1.0, 99));
    tensors
}

pub(crate) const BLOCK: &str = r#"{"kind":"block","name":"b","heads":2,"epsilon":0.01}"#;

pub(crate) fn block(width: usize, intermediate: usize, samples: usize, rows: usize) -> Tensors {
    let mut tensors = Tensors::new();
    for (index, (name, outputs, inputs)) in [
        ("query", width, width),
        ("key", width, width),
        ("value", width, width),
        ("out", width, width),
        ("up", intermediate, width),
        ("down", width, intermediate),
    ]
    .into_iter()
    .enumerate()
    {
        let deviation = 1.0 / (inputs as f32).sqrt();
        tensors.insert(name.to_owned(), numbers(&[outputs, inputs], deviation, index as u64));
    }
    tensors.insert("input".to_owned(), numbers(&[samples, rows, width], 1.0, 99));
    tensors
}

fn read(manifest: &str, tensors: &Tensors) -> Result<FloatNetwork, FloatNetworkError> {
    FloatNetwork::read(&file(manifest, tensors))
}

/// `x W^T` in 64 bits.
fn product(x: &[f64], (shape, weight): &(Vec<usize>, Vec<f32>)) -> Vec<f64> {
    let row = |row: &[f32]| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum();
    weight.chunks(shape[1]).map(row).collect()
}

fn assert_near(got: &[f32], expected: &[f64]) {
    assert_eq!(got.len(), expected.len());
    for (got, expected) in got.iter().zip(expected) {
        assert!((f64::from(*got) - expected).abs() < 1e-5, "{got} is not {expected}");
    }
}

#[test]
fn a_perceptron_is_its_formula() {
    let tensors = perceptron(&[5, 7, 4, 3], 2, 3);
    let network = read(PERCEPTRON, &tensors).unwrap();
    assert_eq!((network.rows(), network.width(), network.output_width()), (3, 5, 3));
    assert_eq!((network.inputs().len(), network.outputs().len()), (2, 0));
    let sample = network.inputs().nth(1).unwrap();
    assert_eq!(sample, &tensors["input"].1[15..]);
    let mut expected = Vec::new();
    for row in sample.chunks(5) {
        let x: Vec<f64> = row.iter().map(|x| f64::from(*x)).collect();
        let x: Vec<f64> =
            product(&x, &tensors["layers.0.weight"]).iter().map(|x| x.max(0.0)).collect();
        let bias = tensors["layers.1.bias"].1.iter().map(|bias| f64::from(*bias));
        let x = product(&x, &tensors["layers.1.weight"]);
        let x: Vec<f64> = x.iter().zip(bias).map(|(x, bias)| (x + bias).max(0.0)).collect();
        expected.extend(product(&x, &tensors["layers.2.weight"]));
    }
    assert_near(&network.run(sample).unwrap(), &expected);
    let error = network.run(&sample[1..]).unwrap_err();
    assert!(matches!(error, FloatNetworkError::Limit { got: 14, min: 15, max: 15, .. }));
}

#[test]
fn a_block_is_its_formula() {
    let (width, rows) = (8, 4);
    let tensors = block(width, 9, 1, rows);
    let network = read(BLOCK, &tensors).unwrap();
    let sample = network.inputs().next().unwrap();
    let norm = |x: &[f64]| -> Vec<f64> {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let variance = x.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / x.len() as f64;
        x.iter().map(|x| (x - mean) / (variance + 0.01).sqrt()).collect()
    };
    let x: Vec<Vec<f64>> =
        sample.chunks(width).map(|row| row.iter().map(|x| f64::from(*x)).collect()).collect();
    let normed: Vec<Vec<f64>> = x.iter().map(|row| norm(row)).collect();
    let all = |name: &str| -> Vec<Vec<f64>> {
        normed.iter().map(|row| product(row, &tensors[name])).collect()
    };
    let (query, key, value) = (all("query"), all("key"), all("value"));
    let mut expected = Vec::new();
    for row in 0..rows {
        let mut mixed = vec![0.0; width];
        for head in 0..2 {
            let part = 4 * head..4 * head + 4;
            let dot = |other: usize| -> f64 {
                let pairs = query[row][part.clone()].iter().zip(&key[other][part.clone()]);
                pairs.map(|(q, k)| q * k).sum::<f64>() / 2.0
            };
            let weights: Vec<f64> = (0..rows).map(|other| dot(other).exp()).collect();
            let total: f64 = weights.iter().sum();
            for column in part.clone() {
                let terms =
                    weights.iter().zip(&value).map(|(weight, v)| weight / total * v[column]);
                mixed[column] = terms.sum();
            }
        }
        let add =
            |x: &[f64], y: Vec<f64>| -> Vec<f64> { x.iter().zip(y).map(|(x, y)| x + y).collect() };
        let residual = add(&x[row], product(&mixed, &tensors["out"]));
        let up = product(&norm(&residual), &tensors["up"]);
        let up: Vec<f64> = up.iter().map(|x| x.max(0.0)).collect();
        expected.extend(add(&residual, product(&up, &tensors["down"])));
    }
    assert_near(&network.run(sample).unwrap(), &expected);
}

#[test]
fn wrong_files_are_refused_by_name() {
    let base = perceptron(&[4, 3, 2], 1, 2);
    let refuse = |change: &dyn Fn(&mut Tensors)| {
        let mut tensors = base.clone();
        change(&mut tensors);
        read(PERCEPTRON, &tensors).unwrap_err().to_string()
    };
    assert!(read(PERCEPTRON, &base).is_ok());
    let message = refuse(&|tensors| drop(tensors.remove("input")));
    assert_eq!(message, "tensor input is missing");
    let message = refuse(&|tensors| drop(tensors.remove("layers.0.weight")));
    assert_eq!(message, "tensor layers.0.weight is missing");
    let message = refuse(&|tensors| drop(tensors.remove("layers.1.weight")));
    assert_eq!(message, "tensor \"layers.1.bias\" has no meaning in this network");
    let message =
        refuse(&|tensors| drop(tensors.insert("input".to_owned(), numbers(&[1, 2, 5], 1.0, 1))));
    assert_eq!(message, "tensor input must be [1, 2, 4], got [1, 2, 5]");
    let message =
        refuse(&|tensors| drop(tensors.insert("input".to_owned(), numbers(&[2, 4], 1.0, 1))));
    assert_eq!(message, "tensor input must be of 3 dimensions, got [2, 4]");
    let message =
        refuse(&|tensors| drop(tensors.insert("input".to_owned(), numbers(&[0, 2, 4], 1.0, 1))));
    assert_eq!(message, "the number of samples is 0, outside 1 to 4096");
    let message =
        refuse(&|tensors| drop(tensors.insert("output".to_owned(), numbers(&[1, 2, 3], 1.0, 1))));
    assert_eq!(message, "tensor output must be [1, 2, 2], got [1, 2, 3]");
    let message = refuse(&|tensors| tensors.get_mut("layers.0.weight").unwrap().1[5] = f32::NAN);
    assert_eq!(message, "tensor layers.0.weight: element 5 is not a finite number");
    let message = refuse(&|tensors| tensors.get_mut("layers.1.weight").unwrap().0 = vec![3, 2]);
    assert_eq!(message, "tensor layers.1.weight must be [3, 3], got [3, 2]");
    let other = base.clone();
    for manifest in
        ["{}", "", r#"{"kind":"forest","name":"f"}"#, r#"{"kind":"perceptron","name":"p","x":1}"#]
    {
        let error = read(manifest, &other).unwrap_err();
        assert!(matches!(error, FloatNetworkError::Syntax { part: "manifest", .. }), "{error}");
    }
    let base = block(8, 9, 1, 4);
    for (manifest, expected) in [
        (
            r#"{"kind":"block","name":"b","heads":0,"epsilon":0.01}"#,
            "the number of heads is 0, outside 1 to 4",
        ),
        (
            r#"{"kind":"block","name":"b","heads":4000000000,"epsilon":0.01}"#,
            "the number of heads is 4000000000, outside 1 to 4",
        ),
        (
            r#"{"kind":"block","name":"b","heads":2,"epsilon":2.0}"#,
            "the manifest does not parse: epsilon must be from 0 to 1, got 2",
        ),
        (
            r#"{"kind":"block","name":"","heads":2,"epsilon":0.1}"#,
            "the length of the name is 0, outside 1 to 256",
        ),
    ] {
        assert_eq!(read(manifest, &base).unwrap_err().to_string(), expected);
    }
    let mut long = file(BLOCK, &base);
    long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let error = FloatNetwork::read(&long).unwrap_err();
    assert!(matches!(error, FloatNetworkError::Limit { what: "the length of the header", .. }));
    let missing = FloatNetwork::open(std::path::Path::new("absent.safetensors")).unwrap_err();
    assert_eq!(missing, FloatNetworkError::Io { source: std::io::ErrorKind::NotFound.into() });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Bytes of the header, of the lengths or of the weights: refused, or a network that runs.
    #[test]
    fn changed_files_are_refused_or_run(
        which in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..4),
        cut in prop::option::weighted(0.2, any::<prop::sample::Index>()),
    ) {
        let mut bytes = if which { file(PERCEPTRON, &perceptron(&[4, 3, 2], 1, 2)) } else { file(BLOCK, &block(4, 3, 1, 2)) };
        let header = 8 + bytes[0] as usize + 256 * bytes[1] as usize;
        for (index, byte, anywhere) in changes {
            let end = if anywhere { bytes.len() } else { header };
            bytes[index.index(end)] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(network) = FloatNetwork::read(&bytes) {
            for sample in network.inputs() {
                let output = network.run(sample).unwrap();
                prop_assert_eq!(output.len(), network.rows() * network.output_width());
            }
        }
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(FloatNetwork::read(&bytes).is_err());
    }
}
