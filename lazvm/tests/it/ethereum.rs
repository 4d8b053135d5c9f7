//! Ethereum's precompiles have back ends in pure Rust and, by features, in C: one answer for both.

use std::sync::Arc;

use alloy_primitives::{Address, B256, Keccak256, U256, b256, hex, keccak256};
use lazvm::{
    alloy_evm::{Evm, EvmEnv, EvmFactory},
    revm::{
        context::{BlockEnv, CfgEnv, TxEnv},
        database::InMemoryDB,
        primitives::hardfork::SpecId,
    },
};

use crate::support::{Letters, builder, call, database};

/// The machine, and a hash over everything that it answered.
struct Asked<E> {
    evm: E,
    answers: Keccak256,
}

impl<E: Evm<Tx = TxEnv, DB = InMemoryDB>> Asked<E> {
    fn ask(&mut self, address: u64, input: &[u8]) -> Vec<u8> {
        let address = Address::left_padding_from(&address.to_be_bytes());
        let result = self.evm.transact_raw(call(address, input.to_vec(), 0)).ok().unwrap().result;
        let output = result.output().map(|output| output.to_vec()).unwrap_or_default();
        self.answers.update([u8::from(result.is_success())]);
        self.answers.update(result.tx_gas_used().to_be_bytes());
        self.answers.update(&output);
        output
    }
}

/// Signatures, proofs of blobs and curve points, right and wrong ones. Run with and without
/// `--features blst,c-kzg,secp256k1`.
#[test]
fn back_ends_of_precompiles_agree() {
    let factory = builder(&Arc::new(Letters::default())).factory().unwrap();
    let mut cfg_env = CfgEnv::default();
    cfg_env.set_spec_and_mainnet_gas_params(SpecId::OSAKA);
    let env = EvmEnv { cfg_env, block_env: BlockEnv::default() };
    let evm = factory.create_evm(database(&[]), env);
    let mut asked = Asked { evm, answers: Keccak256::new() };

    // A signature that is known, and others that hardly recover anyone.
    let known = hex!(
        "18c547e4f7b0f325ad1e56f57e26c745b09a3e503d86e00e5255ff7f715d3d1c"
        "000000000000000000000000000000000000000000000000000000000000001c"
        "73b1693892219d736caba55bdb67216e485557ea6b6af75f37096c9aa6a5a75f"
        "eeb940b1d03b21e36b0e47e79769f095fe2ab855bd91e3a38756b7d75a9c4549"
    );
    let signer = asked.ask(1, &known);
    assert_eq!(signer[12..], hex!("a94f5374fce5edbc8e2a8697c15331677e6ebf0b"));
    for index in 0..128_u8 {
        let mut other = known;
        other[usize::from(index)] ^= 1 << (index % 8);
        asked.ask(1, &other);
    }

    // A proof of c-kzg-4844's test vectors, and each part of it changed.
    let commitment = hex!(
        "8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca25f26936857bc3a7c2539ea8ec3a952b7"
    );
    let mut versioned = asked.ask(2, &commitment);
    versioned[0] = 1;
    let point = hex!(
        "73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000"
        "1522a4a7f34e1ea350ae07c29c96c7e79655aa926122e95fe69fcbd932ca49e9"
    );
    let proof = hex!(
        "a62ad71d14c5719385c0686f1871430475bf3a00f0aa3f7b8dd99a9abc2160744faf0070725e00b60ad9a026a15b1a8c"
    );
    let opening = [&versioned[..], &point, &commitment, &proof].concat();
    assert_eq!(asked.ask(10, &opening).len(), 64);
    for at in (0..opening.len()).step_by(7) {
        let mut wrong = opening.clone();
        wrong[at] ^= 1;
        asked.ask(10, &wrong);
    }

    // Points of BLS12-381, by its own maps: sums, products, pairings, and points that are none.
    let field = |index: u64| {
        let mut element = vec![0; 64];
        element[32..].copy_from_slice(keccak256(index.to_be_bytes()).as_slice());
        element
    };
    let scalar =
        |index: u64| U256::from_be_bytes(keccak256(index.to_le_bytes()).0).to_be_bytes_vec();
    let first: Vec<_> = (0..4).map(|index| asked.ask(16, &field(index))).collect();
    let second: Vec<_> =
        (4..8).map(|index| asked.ask(17, &[field(index), field(index + 9)].concat())).collect();
    assert!(first.iter().all(|point| point.len() == 128));
    assert!(second.iter().all(|point| point.len() == 256));
    for (add, multiply, points) in [(11, 12, &first), (13, 14, &second)] {
        asked.ask(add, &[points[0].clone(), points[1].clone()].concat());
        let terms: Vec<_> = points
            .iter()
            .zip(0..)
            .map(|(point, index)| [point.clone(), scalar(index)].concat())
            .collect();
        asked.ask(multiply, &terms.concat());
        let mut off = points[0].clone();
        off[100] ^= 1;
        asked.ask(add, &[off.clone(), points[1].clone()].concat());
        asked.ask(multiply, &[off, scalar(3)].concat());
    }
    let pairs: Vec<_> =
        first.iter().zip(&second).map(|(one, two)| [one.clone(), two.clone()].concat()).collect();
    asked.ask(15, &pairs[0]);
    asked.ask(15, &pairs.concat());
    asked.ask(16, &[0xff; 64]);
    asked.ask(15, &[0x01; 384]);

    assert_eq!(asked.answers.finalize(), ANSWERS);
}

/// What both back ends answered.
const ANSWERS: B256 = b256!("411d8596a6bb60f82532025d382ce3a570baa12266161d5fbc071be3db49d5ee");
