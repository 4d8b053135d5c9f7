use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::AffineRepr;
use ark_ff::Field;
use lazai_api_types::codec::Reader;
use sha2::{Digest, Sha256};

use crate::{KeyError, ReadPoints, verifier::check_size};

/// Returns a verifying key as gnark writes it without its table of pairing lines: 576 bytes.
///
/// The 33,792 bytes of the table are zero in every key that gnark publishes for Ziren and SP1, and
/// no verifier of one proof reads them, so a chain need not store them.
///
/// # Errors
/// [`KeyError::Size`] if `key` has not gnark's size, [`KeyError::Lines`] if the table is filled.
pub fn without_lines(key: &[u8]) -> Result<Vec<u8>, KeyError> {
    check_size(key, FULL_KEY_BYTES)?;
    let (head, rest) = key.split_at(LINES_START);
    let (lines, tail) = rest.split_at(LINES_BYTES);
    if lines.iter().any(|byte| *byte != 0) {
        return Err(KeyError::Lines);
    }
    Ok([head, tail].concat())
}

/// The verifying key of a circuit, free of every flaw that shows in it.
#[derive(Clone, Debug)]
pub(super) struct PlonkKey {
    /// Number of rows, a power of two.
    pub(super) rows: u64,
    /// Inverse of the number of rows.
    pub(super) inverse: Fr,
    /// Root of unity of order `rows`.
    pub(super) root: Fr,
    /// Number of public inputs of the circuit.
    pub(super) inputs: u64,
    /// Commitments to the permutation, one for each wire.
    pub(super) permutation: [G1Affine; 3],
    /// Commitments to the selectors of the left wire, the right wire, their product, the output and
    /// the constant.
    pub(super) selectors: [G1Affine; 5],
    /// Commitment to the selector of the committed wires.
    pub(super) commitment_selector: G1Affine,
    /// Row of the commitment's hash, counted after the inputs.
    pub(super) commitment_row: u64,
    /// The point of G1 with which values are committed.
    pub(super) base: G1Affine,
    /// A point of G2 and its multiple by the secret of the ceremony.
    pub(super) ceremony: [G2Affine; 2],
    /// What every proof under the key starts with: the first bytes of SHA-256 of all of gnark's
    /// bytes.
    pub(super) prefix: [u8; 4],
}

impl PlonkKey {
    /// Reads the 576 bytes without lines of gnark's key, for a circuit with `inputs` public inputs.
    pub(super) fn from_gnark(key: &[u8], inputs: usize) -> Result<Self, KeyError> {
        check_size(key, KEY_BYTES)?;
        let mut reader = Reader::new(key);
        let rows = reader.u64().unwrap_or_default();
        if !rows.is_power_of_two() || rows > MAX_ROWS {
            return Err(KeyError::Parameter { part: ROWS, expected: MAX_ROWS, got: rows });
        }
        let inverse = reader.scalar().ok_or(KeyError::Scalar { part: INVERSE })?;
        if inverse * Fr::from(rows) != Fr::ONE {
            return Err(KeyError::Degenerate { part: INVERSE, flaw: "of another number" });
        }
        let root = reader.scalar().ok_or(KeyError::Scalar { part: ROOT })?;
        // Of order `rows` exactly: half of it gives -1.
        if rows == 1 || root.pow([rows / 2]) != -Fr::ONE {
            return Err(KeyError::Degenerate { part: ROOT, flaw: "of another order" });
        }
        let inputs = inputs as u64;
        let got = reader.u64().unwrap_or_default();
        if got != inputs {
            let part = "the number of public inputs";
            return Err(KeyError::Parameter { part, expected: inputs, got });
        }
        let shift = reader.scalar().ok_or(KeyError::Scalar { part: SHIFT })?;
        if shift != Fr::from(COSET_SHIFT) {
            return Err(KeyError::Degenerate { part: SHIFT, flaw: "not 5" });
        }
        let permutation = points(&mut reader, "a point of the permutation")?;
        let [first, second, third] = permutation.map(|point| point.x);
        if first == second || second == third || third == first {
            let part = "a point of the permutation";
            return Err(KeyError::Degenerate { part, flaw: "the point of another wire" });
        }
        let selectors = points(&mut reader, "a selector")?;
        // Both zkVMs hash one group of wires into the circuit by a commitment; other numbers of
        // them are not read.
        if reader.u32() != Ok(1) {
            return Err(KeyError::Commitments);
        }
        let [commitment_selector, base] = points(&mut reader, "a commitment's point")?;
        let mut g2 = || reader.compressed_g2().ok_or(KeyError::Point { part: CEREMONY });
        let ceremony = [g2()?, g2()?];
        if ceremony[0].x == ceremony[1].x {
            let flaw = "the other one, so its secret is 1";
            return Err(KeyError::Degenerate { part: CEREMONY, flaw });
        }
        if reader.u32() != Ok(1) {
            return Err(KeyError::Commitments);
        }
        let commitment_row = reader.u64().unwrap_or(u64::MAX);
        if commitment_row.checked_add(inputs).is_none_or(|row| row >= rows) {
            let part = "the row of the commitment";
            return Err(KeyError::Parameter { part, expected: rows, got: commitment_row });
        }
        Ok(Self {
            rows,
            inverse,
            root,
            inputs,
            permutation,
            selectors,
            commitment_selector,
            commitment_row,
            base,
            ceremony,
            prefix: prefix(key),
        })
    }
}

fn points<const N: usize>(
    reader: &mut Reader<'_>,
    part: &'static str,
) -> Result<[G1Affine; N], KeyError> {
    let mut points = [G1Affine::zero(); N];
    for point in &mut points {
        *point = reader.compressed_g1().ok_or(KeyError::Point { part })?;
    }
    Ok(points)
}

fn prefix(key: &[u8]) -> [u8; 4] {
    let mut hasher = Sha256::new();
    let (head, tail) = key.split_at(LINES_START.min(key.len()));
    hasher.update(head);
    for _ in 0..LINES_BYTES / 64 {
        hasher.update([0; 64]);
    }
    hasher.update(tail);
    hasher.finalize().first_chunk().copied().unwrap_or_default()
}

/// Size of a key without its lines.
pub(super) const KEY_BYTES: usize = LINES_START + 12;

/// Offset of the lines, after numbers, eleven points of G1 and two of G2.
const LINES_START: usize = 564;
/// Size of the lines: two points, two kinds of line, 66 steps of a pairing, four numbers.
const LINES_BYTES: usize = 2 * 2 * 66 * 4 * 32;
const FULL_KEY_BYTES: usize = KEY_BYTES + LINES_BYTES;

/// The largest power of two that divides the order of the group less one.
const MAX_ROWS: u64 = 1 << 28;
/// gnark's generator of the multiplicative group: the wires' cosets are `H`, `5 H` and `25 H`.
pub(super) const COSET_SHIFT: u64 = 5;

const ROWS: &str = "the number of rows, which must be a power of two up to the expected one,";
const INVERSE: &str = "the inverse of the rows";
const ROOT: &str = "the root of unity";
const SHIFT: &str = "the shift of cosets";
const CEREMONY: &str = "a point of the ceremony in G2";
