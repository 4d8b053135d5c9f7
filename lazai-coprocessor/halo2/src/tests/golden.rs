//! The key that the prover makes is, byte for byte, the one in `testdata`, under which
//! `tests/golden.rs` verifies a proof without the prover.

use std::{env, fs, path::Path};

use alloy_primitives::B256;
use lazai_coprocessor::trace::Input;

use super::support::perceptron;
use crate::{ProvedOutput, ProvingKey, Srs};

#[test]
fn the_key_of_a_network_is_golden() {
    let network = perceptron();
    let input: Vec<i32> = (0..40).map(|index| index * 31 - 600).collect();
    let (tensor, source) = (Input::Tensor(&input), Srs::development_with_known_secret);
    let key = ProvingKey::new(&network, ProvedOutput::Logits, tensor, source, &mut |_| {}).unwrap();
    let bytes = key.verifying().to_bytes();
    if env::var_os("LAZVM_WRITE_TESTDATA").is_some() {
        let srs = source(key.verifying().k()).unwrap();
        let context = B256::repeat_byte(3);
        let proof = key.prove(&network, tensor, context, &srs, &mut |_| {}).unwrap();
        let run = proof.statement;
        let statement = [
            run.model.0.as_slice(),
            run.input.as_slice(),
            run.output.as_slice(),
            &run.work.flops.to_be_bytes(),
            &run.work.peak_bytes.to_be_bytes(),
            run.context.as_slice(),
        ]
        .concat();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
        for (name, bytes) in [("key", &bytes), ("statement", &statement), ("proof", &proof.bytes)] {
            fs::write(folder.join(format!("perceptron_{name}.bin")), bytes).unwrap();
        }
    }
    assert_eq!(bytes, include_bytes!("../../testdata/perceptron_key.bin"));
}
