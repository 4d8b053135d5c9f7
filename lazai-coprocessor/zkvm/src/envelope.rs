use ark_bn254::Fr;
use lazai_api_types::{Claim, codec::Reader};

use crate::{ProofError, ZkvmKey};

/// The contents of an envelope: the public inputs that a claim asks for, and the proof of the
/// circuit.
#[derive(Clone, Debug)]
pub(crate) struct Opened<'e> {
    pub(crate) inputs: Vec<Fr>,
    pub(crate) proof: &'e [u8],
}

/// Decodes an envelope:
/// `version ‖ public values, if the claim is a statement ‖ prefix ‖ header of the zkVM ‖ proof`.
///
/// No length is read from the bytes: the sizes of prefix, header and proof are fixed, so everything
/// before them is the values.
pub(crate) fn open<'e>(
    key: &ZkvmKey,
    prefix: [u8; 4],
    circuit_proof_bytes: usize,
    claim: Claim<'_>,
    envelope: &'e [u8],
) -> Result<Opened<'e>, ProofError> {
    let tail_bytes = PREFIX_BYTES + key.zkvm().header_bytes() + circuit_proof_bytes;
    let got = envelope.len();
    let max = match claim {
        Claim::Statement(_) => MAX_PROOF_BYTES,
        Claim::Values(_) => 1 + tail_bytes,
    };
    let size = ProofError::Size { min: 1 + tail_bytes as u64, max: max as u64, got: got as u64 };
    if got > max {
        return Err(size);
    }
    let Some((version, body)) = envelope.split_first() else { return Err(size) };
    if *version != VERSION {
        return Err(ProofError::Version { expected: VERSION, got: *version });
    }
    let Some((inside, tail)) =
        body.len().checked_sub(tail_bytes).and_then(|values| body.split_at_checked(values))
    else {
        return Err(size);
    };
    let values = match claim {
        Claim::Statement(statement) => {
            let offset = key.statement_offset().ok_or(ProofError::NoStatements)?;
            let hash =
                usize::try_from(offset).ok().and_then(|start| inside.get(start..)?.first_chunk());
            if hash != Some(&statement.hash().0) {
                return Err(ProofError::Statement { offset });
            }
            inside
        }
        Claim::Values(values) if values.len() > MAX_PROOF_BYTES => {
            return Err(ProofError::Values {
                max: MAX_PROOF_BYTES as u64,
                got: values.len() as u64,
            });
        }
        Claim::Values(values) => values,
    };
    let mut tail = Reader::new(tail);
    let got = tail.array().map_err(|_| size.clone())?;
    if got != prefix {
        return Err(ProofError::Prefix { expected: prefix, got });
    }
    let (header, proof) = tail.rest().split_at_checked(key.zkvm().header_bytes()).ok_or(size)?;
    Ok(Opened { inputs: key.inputs(header, values)?, proof })
}

/// Largest size of an envelope, and of public values beside it.
pub(crate) const MAX_PROOF_BYTES: usize = 64 * 1024;

const PREFIX_BYTES: usize = 4;
const VERSION: u8 = 1;
