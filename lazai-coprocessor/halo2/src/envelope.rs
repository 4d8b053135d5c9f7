//! The envelope of a proof: the integers of the run, and halo2's proof.

use crate::{PublicInputs, digest::Packing};

/// Version of the encoding.
const VERSION: u8 = 1;

/// The integers and the proof in an envelope.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Envelope<'a> {
    pub(crate) input: Vec<i32>,
    pub(crate) output: Vec<i32>,
    pub(crate) proof: &'a [u8],
}

/// Encodes the byte 1, the integers read and those written, little-endian, in as many bytes as the
/// key says, and the proof.
#[cfg(feature = "prover")]
pub(crate) fn write(
    public_inputs: &PublicInputs,
    input: &[i32],
    output: &[i32],
    proof: &[u8],
) -> Vec<u8> {
    let mut bytes = vec![VERSION];
    for (packing, integers) in [(public_inputs.input, input), (public_inputs.output, output)] {
        for integer in integers {
            bytes.extend_from_slice(&integer.to_le_bytes()[..packing.bits as usize / 8]);
        }
    }
    bytes.extend_from_slice(proof);
    bytes
}

/// Decodes what [`write()`] wrote; the key says how many integers there are. Returns `None` if the
/// bytes are too few or the version is another.
pub(crate) fn read<'a>(public_inputs: &PublicInputs, bytes: &'a [u8]) -> Option<Envelope<'a>> {
    let (version, rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    let (input, rest) = integers(public_inputs.input, rest)?;
    let (output, proof) = integers(public_inputs.output, rest)?;
    Some(Envelope { input, output, proof })
}

fn integers(packing: Packing, bytes: &[u8]) -> Option<(Vec<i32>, &[u8])> {
    let size = packing.bits as usize / 8;
    let (bytes, rest) = bytes.split_at_checked(packing.count.checked_mul(size)?)?;
    let integer = |bytes: &[u8]| match bytes {
        [a, b] => i32::from(i16::from_le_bytes([*a, *b])),
        bytes => bytes.iter().rev().fold(0, |integer, byte| integer << 8 | i32::from(*byte)),
    };
    Some((bytes.chunks_exact(size).map(integer).collect(), rest))
}
