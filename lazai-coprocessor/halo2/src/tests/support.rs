use std::collections::BTreeMap;

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use lazai_coprocessor::{
    Session,
    architecture::Architecture,
    artifact::{Artifact, ArtifactBuilder, ArtifactBytes},
    kernel::{Backend, Threads},
    model::{Model, Network, synthetic_perceptron, synthetic_transformer, synthetic_two_readers},
    program::Target,
};

use crate::{constraints::Constraints, table::Table};

/// A model of random weights.
pub(super) fn model(architecture: &Architecture) -> Model {
    let bytes = synthetic_transformer(architecture, 7).unwrap().to_bytes().unwrap();
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    Model::load_untrusted(artifact, &Threads::single()).unwrap()
}

/// What the interpreter computes.
pub(super) fn run(model: &Model, tokens: &[u32], target: Target, outputs: usize) -> Vec<i32> {
    let threads = Threads::single();
    let mut session =
        Session::new(model, target, tokens.len(), outputs, Backend::Scalar, &threads).unwrap();
    session.feed(tokens, outputs).unwrap();
    match target {
        Target::Embedding => session.embedding().unwrap().iter().map(|x| i32::from(*x)).collect(),
        Target::Logits => session.logits().unwrap().to_vec(),
    }
}

/// The first constraint that does not hold.
pub(super) fn violation(
    constraints: &Constraints,
    tables: &BTreeMap<Table, Vec<u32>>,
) -> Option<String> {
    let Constraints { values, gates, constants, lookups, products, parts, .. } = constraints;
    let value = |cell: &crate::constraints::Cell| values[cell.index()];
    for (index, [a, b, c, d]) in gates.iter().enumerate() {
        if value(a) + value(b) * value(c) != value(d) {
            let part = parts.iter().rev().find(|part| part.begin.gates <= index);
            return Some(format!("gate {index} of {part:?}"));
        }
    }
    if let Some((cell, _)) = constants.iter().find(|(cell, constant)| value(cell) != *constant) {
        return Some(format!("constant {cell:?}"));
    }
    for (index, (table, cell)) in lookups.iter().enumerate() {
        let found = tables[table].iter();
        let mut found = found.filter(|row| value(cell) == Fr::from(u64::from(**row)));
        if found.next().is_none() {
            let part = parts.iter().rev().find(|part| part.begin.lookups <= index);
            return Some(format!("lookup {index} of {table:?} in {part:?}: {:?}", value(cell)));
        }
    }
    for (index, product) in products.iter().enumerate() {
        let sums = product.input.chunks(product.depth).flat_map(|x| {
            product.weights.chunks(product.depth).map(move |w| {
                let terms = x.iter().zip(w);
                terms.fold(Fr::ZERO, |sum, (x, w)| {
                    sum + value(x) * crate::builder::field(i128::from(*w))
                })
            })
        });
        if !sums.eq(product.output.iter().map(value)) {
            return Some(format!("product {index}"));
        }
    }
    None
}

/// A network of two products and `Relu` that reads rows of 40 numbers.
pub(super) fn perceptron() -> Network {
    network(&synthetic_perceptron())
}

/// A network that reads its tokens twice, and adds positions of a large scale.
pub(super) fn two_readers() -> Network {
    network(&synthetic_two_readers())
}

fn network(builder: &ArtifactBuilder) -> Network {
    let bytes = builder.to_bytes().unwrap();
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    Network::load_untrusted(artifact, &Threads::single()).unwrap()
}
