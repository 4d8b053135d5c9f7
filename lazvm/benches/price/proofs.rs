//! The functions that check proofs: right proofs, and proofs that are wrong, garbage, too short or
//! too long.

use alloy_primitives::B256;
use lazai_api_types::key_hash;
use lazai_precompiles::{
    CodeAccount, MemoryState, Precompile,
    abi::{self, ILazProofVerifier as sol, SolCall},
    key_address,
};

use crate::{
    cases::{Case, MAX_CALLDATA},
    gene::Gene,
    measure::{Function, Input, MakeInput},
};

/// Returns a state in which the keys are registered.
pub(crate) fn state(cases: &[Case]) -> MemoryState {
    let mut state = MemoryState::default();
    for Case { system, key, .. } in cases {
        let code = [&[0], key.as_slice()].concat().into();
        let address = key_address(key_hash(*system, key));
        state.accounts.insert(address, CodeAccount { nonce: 0, code });
    }
    state
}

/// Returns the functions for a case.
pub(crate) fn of_case(case: &Case) -> Vec<Function> {
    let system = case.system.0;
    let hash = key_hash(case.system, &case.key);
    let function = |name: &str, listed: Vec<Vec<u32>>, genes, input| Function {
        name: format!("{name} {}", case.name),
        precompile: Precompile::ProofVerifier,
        listed,
        genes,
        input,
    };
    let fixed = |name: &'static str, input: &str, data: Vec<u8>| {
        let input = Input { name: input.to_owned(), data };
        function(name, vec![vec![]], vec![], Box::new(move |_: &[u32]| input.clone()) as MakeInput)
    };
    let verify = case.clone();
    let verify = function(
        "verify",
        proofs(),
        proof_genes(case),
        Box::new(move |genes| {
            let (name, _, proof) = verify.altered(genes);
            let (statement, proof) = (statement(&verify), proof.into());
            let call = sol::verifyCall { system, keyHash: hash, statement, proof };
            Input { name, data: call.abi_encode() }
        }),
    );
    if !case.whole {
        return vec![verify];
    }
    let [values, register] = [case.clone(), case.clone()];
    vec![
        verify,
        function(
            "verifyValues",
            proofs(),
            proof_genes(case),
            Box::new(move |genes| {
                let (name, values, proof) = values.altered(genes);
                let (values, proof) = (values.into(), proof.into());
                let call = sol::verifyValuesCall { system, keyHash: hash, values, proof };
                Input { name, data: call.abi_encode() }
            }),
        ),
        function(
            "register",
            vec![vec![0, 0], vec![0, 1], vec![100, 1], vec![1_000, 7]],
            vec![Gene::below(case.key.len() as u32 + 1), Gene::below(256)],
            Box::new(move |genes| {
                let mut key = register.key.clone();
                match key.get_mut(genes[0] as usize) {
                    Some(byte) => *byte ^= genes[1] as u8,
                    None => key.truncate(genes[0] as usize / 2),
                }
                let name = format!("byte {} changed by {}", genes[0], genes[1]);
                let call = sol::registerCall { system, verifyingKey: key.into() };
                Input { name, data: call.abi_encode() }
            }),
        ),
        fixed("isRegistered", "a key", {
            sol::isRegisteredCall { system, keyHash: hash }.abi_encode()
        }),
        fixed("key", "a key", sol::keyCall { system, keyHash: hash }.abi_encode()),
        fixed("quote", "a proof", {
            let (key, values, proof) = (1_000, 100, 1_000);
            sol::quoteCall { system, keyBytes: key, valuesBytes: values, proofBytes: proof }
                .abi_encode()
        }),
        fixed("quoteRegister", "a key", {
            sol::quoteRegisterCall { system, keyBytes: 1_000 }.abi_encode()
        }),
    ]
}

/// What becomes of the proof, lengths of proof and values, a byte and its change.
fn proof_genes(case: &Case) -> Vec<Gene> {
    let length = Gene::new(0, MAX_CALLDATA);
    let byte = Gene::below(case.proof.len() as u32);
    vec![Gene::below(3), length, length, byte, Gene::below(256)]
}

fn proofs() -> Vec<Vec<u32>> {
    let most = MAX_CALLDATA;
    vec![
        vec![0, 0, 0, 0, 0],
        vec![0, 0, 0, 1_000, 1],
        vec![0, 0, 0, 4, 1],
        vec![1, 0, 0, 0, 0],
        vec![1, 32, 0, 0, 0],
        vec![1, 32, most / 2, 0, 0],
        vec![1, most - 1_000, 0, 0, 0],
        vec![2, 32, 0, 0, 0],
        vec![2, 32, most / 2, 0, 0],
        vec![2, most - 1_000, 0, 0, 0],
    ]
}

impl Case {
    /// The proof with a byte changed; garbage that decodes to points and numbers; or zeros.
    fn altered(&self, genes: &[u32]) -> (String, Vec<u8>, Vec<u8>) {
        let [kind, length, values, at, change] = *genes.as_array().unwrap();
        let values = match values {
            0 => self.values.clone(),
            length => vec![1; length as usize],
        };
        let (kind, mut proof) = match kind {
            0 => {
                let mut proof = self.proof.clone();
                if let Some(byte) = proof.get_mut(at as usize) {
                    *byte ^= change as u8;
                }
                (format!("byte {at} changed by {change}"), proof)
            }
            // The number 1 is also the abscissa of the generator of bn254.
            1 => {
                let one: Vec<u8> = (0..32).map(|index| u8::from(index == 0)).collect();
                let head = 1 + self.proof.len() % 32;
                let mut proof = self.proof[..head.min(self.proof.len())].to_vec();
                while proof.len() < length as usize {
                    proof.extend_from_slice(&one);
                }
                proof.truncate(length as usize);
                ("ones".to_owned(), proof)
            }
            _ => {
                let mut proof = vec![0; length as usize];
                if let Some(version) = proof.first_mut() {
                    *version = 1;
                }
                ("zeros".to_owned(), proof)
            }
        };
        proof.truncate((MAX_CALLDATA as usize).saturating_sub(values.len()));
        let name = format!("{kind}, proof of {}, values of {}", proof.len(), values.len());
        (name, values, proof)
    }
}

/// The statement that the values of the case are, if they are one.
fn statement(case: &Case) -> abi::Statement {
    let mut bytes = case.values.clone();
    bytes.resize(STATEMENT_BYTES, 0);
    let word = |at: usize| B256::from_slice(&bytes[at..at + 32]);
    let number = |at: usize| u64::from_be_bytes(bytes[at..at + 8].try_into().unwrap());
    abi::Statement {
        model: word(0),
        input: word(32),
        output: word(64),
        flops: number(96),
        peakBytes: number(104),
        context: word(112),
    }
}

/// Bytes of a statement: four words and two numbers.
const STATEMENT_BYTES: usize = 144;
