//! A committee with known secrets.

use alloy_primitives::{Address, B256, Bytes};
use lazai_api_types::{InferenceStatement, ModelId, ProofSystemId, Work, key_hash};
use lazai_consensus::{
    Attestation, Candidate, Committee, Epoch, Fact, QuorumCertificate, QuorumId, Roster, Signers,
    bls::{SecretKey, Signature},
    evm::EvmCertificate,
};

const QUORUM: QuorumId = QuorumId(B256::repeat_byte(0x51));
const EPOCH: Epoch = Epoch(3);
const MEMBERS: u8 = 4;

/// Three of four members certify what they are asked to.
#[derive(Debug)]
pub(crate) struct Quorum {
    secrets: Vec<SecretKey>,
    candidates: Vec<Candidate>,
    committee: Committee,
}

impl Quorum {
    pub(crate) fn new() -> Self {
        let secrets: Vec<_> =
            (1..=MEMBERS).map(|index| SecretKey::from_seed(&[index; 32]).unwrap()).collect();
        let candidates: Vec<_> = (1..=MEMBERS)
            .zip(&secrets)
            .map(|(index, secret)| {
                let address = Address::repeat_byte(index);
                let possession = secret.prove_possession(address);
                Candidate { address, weight: 10, key: secret.public_key(), possession }
            })
            .collect();
        let committee = Committee::new(QUORUM, EPOCH, candidates.clone()).unwrap();
        Self { secrets, candidates, committee }
    }

    /// The key that the precompile knows the committee by.
    pub(crate) fn key(&self) -> Vec<u8> {
        let candidates = self.candidates.clone();
        Roster { quorum: QUORUM, epoch: EPOCH, candidates }.encode()
    }

    pub(crate) fn key_hash(&self) -> B256 {
        key_hash(ProofSystemId::QUORUM, &self.key())
    }

    /// What the contract knows the committee by.
    pub(crate) const fn root(&self) -> B256 {
        self.committee.root()
    }

    pub(crate) const fn attestation(&self, fact: Fact) -> Attestation {
        Attestation { quorum: QUORUM, epoch: EPOCH, fact }
    }

    fn certificate(&self, attestation: &Attestation) -> QuorumCertificate {
        let hash = attestation.hash();
        let mut signers = Signers::none(MEMBERS).unwrap();
        let signatures: Vec<_> = [0, 1, 3]
            .into_iter()
            .map(|member| {
                assert!(signers.insert(member));
                self.secrets[member].sign(hash.as_slice())
            })
            .collect();
        QuorumCertificate {
            quorum: QUORUM,
            epoch: EPOCH,
            attestation: hash,
            signers,
            signature: Signature::aggregate(&signatures).unwrap(),
        }
    }

    /// A proof for the precompile.
    pub(crate) fn prove(&self, fact: Fact) -> Bytes {
        let certificate = self.certificate(&self.attestation(fact));
        [&[1], certificate.encode().as_slice()].concat().into()
    }

    /// A certificate for the contract.
    pub(crate) fn certify(&self, fact: Fact) -> Bytes {
        let attestation = self.attestation(fact);
        let certificate = self.certificate(&attestation);
        let certificate = EvmCertificate::new(&certificate, &attestation, &self.committee).unwrap();
        certificate.as_bytes().to_vec().into()
    }

    /// A proof of a run for the contract: quorum, epoch, certificate.
    pub(crate) fn certify_run(&self, run: InferenceStatement) -> Bytes {
        let certificate = self.certify(Fact::Workflow { run });
        [QUORUM.0.as_slice(), &EPOCH.0.to_be_bytes(), &certificate].concat().into()
    }
}

/// A run of a model.
pub(crate) const fn run(
    model: B256,
    input: B256,
    output: B256,
    flops: u64,
    peak_bytes: u64,
    context: B256,
) -> InferenceStatement {
    let work = Work { flops, peak_bytes };
    InferenceStatement { model: ModelId(model), input, output, work, context }
}
