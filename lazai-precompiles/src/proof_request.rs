use alloy_primitives::B256;
use alloy_sol_types::SolCall;
use lazai_api_types::{Claim, InferenceStatement, ModelId, ProofSystemId, Work};

use crate::{
    abi::ILazProofVerifier as sol,
    input::{InputError, Reader, SELECTOR_BYTES},
    revert::RevertReason,
};

/// What a call of the proof verifier asks for, of one system.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct ProofRequest<'a> {
    pub(crate) system: ProofSystemId,
    pub(crate) query: ProofQuery<'a>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum ProofQuery<'a> {
    /// Whether a key is registered.
    IsRegistered { key_hash: B256 },
    /// The bytes of a key.
    Key { key_hash: B256 },
    /// The price of checking a proof.
    Quote { key_bytes: u64, values_bytes: u64, proof_bytes: u64 },
    /// The price of registering a key.
    QuoteRegister { key_bytes: u64 },
    /// Keep a key.
    Register { key: &'a [u8] },
    /// Whether a proof shows a claim.
    Verify { key_hash: B256, claim: OwnedClaim<'a>, proof: &'a [u8] },
}

/// A [`Claim`] whose statement is its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum OwnedClaim<'a> {
    Statement(InferenceStatement),
    Values(&'a [u8]),
}

impl<'a> OwnedClaim<'a> {
    pub(crate) const fn as_claim(&self) -> Claim<'_> {
        match self {
            Self::Statement(statement) => Claim::Statement(statement),
            Self::Values(values) => Claim::Values(values),
        }
    }

    /// Bytes of public values.
    pub(crate) const fn values_bytes(&self) -> u64 {
        match self {
            Self::Statement(_) => 0,
            Self::Values(values) => values.len() as u64,
        }
    }
}

impl<'a> ProofRequest<'a> {
    pub(crate) fn read(
        selector: [u8; SELECTOR_BYTES],
        input: &'a [u8],
    ) -> Result<Self, RevertReason> {
        let (head_words, query): (usize, fn(&mut Reader<'a>) -> Result<ProofQuery<'a>, _>) =
            match selector {
                sol::isRegisteredCall::SELECTOR => {
                    (2, |reader| Ok(ProofQuery::IsRegistered { key_hash: reader.bytes32()? }))
                }
                sol::keyCall::SELECTOR => {
                    (2, |reader| Ok(ProofQuery::Key { key_hash: reader.bytes32()? }))
                }
                sol::quoteCall::SELECTOR => (4, quote),
                sol::quoteRegisterCall::SELECTOR => {
                    (2, |reader| Ok(ProofQuery::QuoteRegister { key_bytes: reader.uint64()? }))
                }
                sol::registerCall::SELECTOR => {
                    (2, |reader| Ok(ProofQuery::Register { key: reader.bytes()? }))
                }
                sol::verifyCall::SELECTOR => (9, verify),
                sol::verifyValuesCall::SELECTOR => (4, verify_values),
                _ => return Err(RevertReason::UnknownFunction { selector }),
            };
        let mut reader = Reader::new(input, head_words)?;
        let system = ProofSystemId(reader.uint32()?);
        let query = query(&mut reader)?;
        reader.finish()?;
        Ok(Self { system, query })
    }
}

fn quote<'a>(reader: &mut Reader<'a>) -> Result<ProofQuery<'a>, InputError> {
    Ok(ProofQuery::Quote {
        key_bytes: reader.uint64()?,
        values_bytes: reader.uint64()?,
        proof_bytes: reader.uint64()?,
    })
}

fn verify<'a>(reader: &mut Reader<'a>) -> Result<ProofQuery<'a>, InputError> {
    let key_hash = reader.bytes32()?;
    let claim = OwnedClaim::Statement(InferenceStatement {
        model: ModelId(reader.bytes32()?),
        input: reader.bytes32()?,
        output: reader.bytes32()?,
        work: Work { flops: reader.uint64()?, peak_bytes: reader.uint64()? },
        context: reader.bytes32()?,
    });
    Ok(ProofQuery::Verify { key_hash, claim, proof: reader.bytes()? })
}

fn verify_values<'a>(reader: &mut Reader<'a>) -> Result<ProofQuery<'a>, InputError> {
    let key_hash = reader.bytes32()?;
    let claim = OwnedClaim::Values(reader.bytes()?);
    Ok(ProofQuery::Verify { key_hash, claim, proof: reader.bytes()? })
}
