//! Malicious provers: every column of a proof is altered, and the verifier must refuse.

use alloy_primitives::B256;
use halo2_proofs::{
    halo2curves::bn256::{Bn256, Fr},
    plonk::create_proof,
    poly::kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
};
use lazai_coprocessor::trace::Input;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::support::perceptron;
use crate::{
    ProvedOutput, ProvingKey, Srs,
    assignment::{AssignedWitness, Tampering},
    envelope,
    layout::Layout,
    prover::tests::parts,
    public_inputs::element,
    shape::Shape,
    transcript::{Challenge, Keccak},
};

#[test]
fn no_altered_column_challenge_or_message_is_accepted() {
    let network = perceptron();
    let input: Vec<i32> = (0..40).map(|index| (index * 997) % 4_001 - 2_000).collect();
    let mut string = None;
    let source = |k| {
        let srs = Srs::development_with_known_secret(k)?;
        string = Some(srs.clone());
        Ok(srs)
    };
    let tensor = Input::Tensor(&input);
    let key = ProvingKey::new(&network, ProvedOutput::Logits, tensor, source, &mut |_| {}).unwrap();
    let srs = string.unwrap();
    let context = B256::repeat_byte(9);
    let honest = key.prove(&network, tensor, context, &srs, &mut |_| {}).unwrap();
    let verifying = key.verifying();
    assert!(verifying.verify(&honest.statement, &honest.bytes));

    let (halo2, compiled) = parts(&key, &network, tensor, honest.instance[1]);
    let layout = Layout::new(&compiled.constraints, &compiled.tables, verifying.k()).unwrap();
    let prove = |tampering, instance: [Fr; 2]| {
        let placed =
            AssignedWitness { tampering, ..AssignedWitness::new(&compiled.constraints, &layout) };
        let mut transcript = Keccak::new(Vec::new(), element(verifying.hash()));
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, Challenge, _, _, _>(
            srs.params(),
            halo2,
            &[placed],
            &[&[&instance]],
            ChaCha20Rng::seed_from_u64(1),
            &mut transcript,
        )
        .unwrap();
        let (input, output) = (&honest.input, &honest.output);
        envelope::write(&verifying.public_inputs, input, output, &transcript.finish())
    };
    let accepts = |proof: &[u8]| verifying.verify(&honest.statement, proof);
    assert!(accepts(&prove(None, honest.instance)), "an honest prover is refused");

    let mut tried = 0;
    let shape = layout.shape;
    let columns =
        shape.gates + shape.lookups + shape.tables + shape.linear_combinations + shape.sums();
    for column in 0..columns {
        // The first rows of every column are in use, and the last that it uses.
        let last = last_row(&layout, column);
        for row in [0, 5, last] {
            tried += 1;
            let proof = prove(Some(Tampering::Cells { column, rows: [row; 2] }), honest.instance);
            assert!(!accepts(&proof), "column {column}, row {row}");
        }
        // Two at once, so that their sum is what it was.
        tried += 1;
        let rows = [last - 1, last];
        let proof = prove(Some(Tampering::Cells { column, rows }), honest.instance);
        assert!(!accepts(&proof), "column {column}, rows {rows:?}");
    }
    tried += 1;
    assert!(!accepts(&prove(Some(Tampering::Challenges), honest.instance)), "challenges");
    for index in 0..2 {
        tried += 1;
        let mut instance = honest.instance;
        instance[index] += Fr::one();
        assert!(!accepts(&prove(None, instance)), "public input {index}");
    }
    // Each message of the transcript, and each integer.
    for at in (0..honest.bytes.len()).step_by(8).chain(honest.bytes.len() - 64..honest.bytes.len())
    {
        tried += 1;
        let mut proof = honest.bytes.clone();
        proof[at] ^= 1 << (at % 8);
        assert!(!accepts(&proof), "byte {at}");
    }
    for length in [0, 1, honest.bytes.len() - 1] {
        tried += 1;
        assert!(!accepts(&honest.bytes[..length]), "{length} bytes");
    }
    tried += 1;
    assert!(!accepts(&[&honest.bytes[..], &[0]].concat()), "a byte more");
    println!("columns, challenges, public inputs and messages: tried {tried}, accepted 0");
}

/// The last row of an advice column that a constraint reads.
fn last_row(layout: &Layout, column: usize) -> usize {
    let Shape { gates, lookups, tables, linear_combinations, .. } = layout.shape;
    let last = layout.shape.rows() - 1;
    match column {
        _ if column < gates => layout.gates[column].cells.len() - 1,
        // Rows that look nothing up are not assigned.
        _ if column < gates + lookups => layout.lookups[column - gates].len() - 1,
        _ if column < gates + lookups + tables => {
            let index = column - gates - lookups;
            let chunk = layout.tables.chunks(layout.shape.summed_rows()).nth(index);
            chunk.unwrap_or_default().len() - 1
        }
        _ if column < gates + lookups + tables + linear_combinations => {
            layout.linear_combinations[column - gates - lookups - tables].slots.len() - 1
        }
        // The sums end in the row behind the last summand.
        _ => last,
    }
}
