use core::fmt::Write;
use std::rc::Rc;

use alloy_primitives::hex;
use halo2_proofs::halo2curves::{
    CurveAffine,
    bn256::{Bn256, Fq, Fr, G1Affine},
    ff::PrimeField,
    group::{Curve, prime::PrimeCurveAffine},
};
use lazai_api_types::InferenceStatement;
use snark_verifier::{
    loader::evm::EvmLoader,
    pcs::kzg::{Bdfg21, KzgAs, KzgDecidingKey},
    system::halo2::{Config, compile, transcript::evm::EvmTranscript},
    verifier::{SnarkVerifier, plonk::PlonkVerifier},
};

use super::rewrite::{INSTANCE_BYTES, SELECTOR_BYTES, rewrite};
use crate::{Halo2Error, VerifyingKey, envelope, public_inputs::element};

/// A generated contract that checks the proofs of one key.
#[derive(Clone, Debug)]
pub struct SolidityVerifier {
    /// Name of the contract.
    pub name: &'static str,
    /// Source for solc 0.8.19 or later, without its pipeline through Yul.
    pub source: String,
    /// Bytes of a proof, without the envelope.
    pub proof_bytes: usize,
    /// Estimated gas of a transaction with one check; equal columns of the circuit make it less.
    pub estimated_gas: usize,
    /// Estimated bytes of the contract; a chain takes at most 24,576.
    pub estimated_bytes: usize,
}

type Verifier = PlonkVerifier<KzgAs<Bn256, Bdfg21>>;

impl VerifyingKey {
    /// Generates the contract that checks proofs under this key:
    /// `verify(uint256[2] instance, bytes proof)`.
    ///
    /// The contract takes the two public inputs of the circuit: the digest of the integers, and the
    /// hash of the statement. Its caller must know that they are these; the precompile checks it,
    /// the contract does not.
    ///
    /// # Errors
    /// [`Halo2Error::Prover`] if the generator fails.
    pub fn solidity(&self) -> Result<SolidityVerifier, Halo2Error> {
        let (source, proof_bytes) = self.generate()?;
        let body = rewrite(&source).map_err(|line| failed(&format!("unknown line: {}", line.0)))?;
        let name = if self.srs().is_development() { DEVELOPMENT_NAME } else { NAME };
        let calldata_bytes = SELECTOR_BYTES + INSTANCE_BYTES + 0x40 + proof_bytes as u64;
        let body: Vec<_> = body.iter().map(|line| format!("            {line}")).collect();
        let source = TEMPLATE
            .replace("{{about}}", self.about().trim_end())
            .replace("{{name}}", name)
            .replace("{{scalar_modulus}}", &modulus::<Fr>())
            .replace("{{base_modulus}}", &modulus::<Fq>())
            .replace("{{proof_bytes}}", &proof_bytes.to_string())
            .replace("{{calldata_bytes}}", &calldata_bytes.to_string())
            .replace("{{body}}", &body.join("\n"));
        let (estimated_gas, estimated_bytes) =
            (self.shape.contract_gas(), self.shape.contract_bytes());
        Ok(SolidityVerifier { name, source, proof_bytes, estimated_gas, estimated_bytes })
    }

    /// Returns the contract as `snark-verifier` generates it, and the bytes of a proof.
    fn generate(&self) -> Result<(String, usize), Halo2Error> {
        let params = self.srs.params(self.k());
        let config = Config::kzg().with_num_instance(vec![2]);
        let mut protocol = compile(&params, &self.halo2, config);
        protocol.transcript_initial_state = Some(element(self.hash()));
        // The commitment to a column of zeros is infinity, which is (0, 0) in the EVM. The
        // generator knows only points with coordinates.
        let stand_in = (G1Affine::generator() * Fr::from(STAND_IN)).to_affine();
        for point in &mut protocol.preprocessed {
            if bool::from(point.is_identity()) {
                *point = stand_in;
            }
        }
        let key: KzgDecidingKey<Bn256> = (G1Affine::generator(), params.g2(), params.s_g2()).into();
        let loader = EvmLoader::new::<Fq, Fr>();
        let protocol = protocol.loaded(&loader);
        let mut transcript = EvmTranscript::<_, Rc<EvmLoader>, _, _>::new(&loader);
        let instances = transcript.load_instances(vec![2]);
        let proof = Verifier::read_proof(&key, &protocol, &instances, &mut transcript)
            .map_err(|error| failed(&format!("{error:?}")))?;
        Verifier::verify(&key, &protocol, &instances, &proof)
            .map_err(|error| failed(&format!("{error:?}")))?;
        let mut source = loader.solidity_code();
        for coordinate in coordinates(stand_in) {
            source = source.replace(&coordinate, "0x0");
        }
        let bytes = 32 * source.matches("calldataload(").count();
        let (expected, got) = (self.shape.proof_bytes(), bytes - INSTANCE_BYTES as usize);
        if got != expected {
            return Err(failed(&format!("a proof has {got} bytes, expected {expected}")));
        }
        Ok((source, got))
    }

    fn about(&self) -> String {
        let mut about = String::new();
        let mut line = |text: &str| {
            let _ = writeln!(about, "/// {text}");
        };
        line(&format!("Key: {}", self.hash()));
        line(&format!("Model: {}", self.public_inputs.model.0));
        line(&format!("Structured reference string: {}", self.srs.digest()));
        if self.srs.ceremony().is_none() && !self.srs.is_development() {
            line("");
            line(
                "This reference string is of no ceremony that LazVM knows: whoever knows its secret can forge proofs.",
            );
        }
        if let Some(ceremony) = self.srs.ceremony() {
            line(&format!("It is that of {ceremony}."));
        }
        if self.srs.is_development() {
            line("");
            line(
                "ANYBODY CAN FORGE PROOFS: the secret of this reference string is published. For development alone.",
            );
        }
        about
    }
}

impl SolidityVerifier {
    /// Encodes the call of `verify` with a proof of `statement` in its envelope; `None` if the
    /// envelope is not one of `key`.
    #[must_use]
    pub fn call(
        &self,
        key: &VerifyingKey,
        statement: &InferenceStatement,
        envelope: &[u8],
    ) -> Option<Vec<u8>> {
        let envelope = envelope::read(&key.public_inputs, envelope)?;
        let instance = key.public_inputs.instance(statement, &envelope.input, &envelope.output);
        Some(self.encode(instance, envelope.proof))
    }

    /// Encodes the call of `verify` with these arguments.
    #[must_use]
    pub fn encode(&self, instance: [Fr; 2], proof: &[u8]) -> Vec<u8> {
        let mut call = SELECTOR.to_vec();
        for input in instance {
            let mut word = input.to_repr();
            word.reverse();
            call.extend_from_slice(&word);
        }
        for number in [0x60, proof.len() as u64] {
            call.extend_from_slice(&[0; 24]);
            call.extend_from_slice(&number.to_be_bytes());
        }
        call.extend_from_slice(proof);
        let size = padded(call.len() as u64 - SELECTOR_BYTES) + SELECTOR_BYTES;
        call.resize(size as usize, 0);
        call
    }
}

fn failed(message: &str) -> Halo2Error {
    Halo2Error::Prover { message: format!("Solidity: {message}") }
}

/// Returns the modulus of a field.
fn modulus<F: PrimeField<Repr = [u8; 32]>>() -> String {
    let mut last = (-F::ONE).to_repr();
    // Both moduli are odd.
    last[0] |= 1;
    last.reverse();
    format!("0x{}", hex::encode(last))
}

/// Returns the coordinates as the generator writes them.
fn coordinates(point: G1Affine) -> Vec<String> {
    let coordinates =
        Option::<halo2_proofs::halo2curves::Coordinates<_>>::from(point.coordinates());
    let words = coordinates.iter().flat_map(|point| [*point.x(), *point.y()]);
    words
        .map(|word| {
            let mut word = word.to_repr();
            word.reverse();
            format!("0x{}", hex::encode(word))
        })
        .collect()
}

const fn padded(bytes: u64) -> u64 {
    bytes.next_multiple_of(32)
}

const TEMPLATE: &str = include_str!("template.sol");
const NAME: &str = "Halo2Verifier";
const DEVELOPMENT_NAME: &str = "InsecureDevelopmentHalo2Verifier";
/// `verify(uint256[2],bytes)`.
const SELECTOR: [u8; 4] = [0xce, 0xa1, 0xdf, 0x33];
/// A multiple of the generator that occurs in no key.
const STAND_IN: u64 = 0x6c61_7a76_6d00_0001;
