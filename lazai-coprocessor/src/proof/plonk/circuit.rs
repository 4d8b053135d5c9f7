use ark_bn254::Fr;
use ark_ff::Field;

use crate::proof::foreign::{KeyError, Reader};

/// The verifying key of a circuit as gnark writes it, without the table of pairing lines: 576 bytes.
///
/// The 33,792 bytes of the table are zero in every key that gnark publishes for Ziren and SP1, and no verifier of one proof
/// reads them, so a chain need not store them.
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

/// gnark's key for a circuit with so many public inputs, from the 576 bytes that matter.
///
/// All that the library behind `equation` reads unchecked is checked here: it takes numbers modulo the field, points off
/// the curve's group, and adds numbers without a look at their size.
pub(super) fn expand(key: &[u8], inputs: usize) -> Result<Vec<u8>, KeyError> {
    check_size(key, KEY_BYTES)?;
    let mut reader = Reader::new(key);
    let size = reader.u64().unwrap_or_default();
    if !size.is_power_of_two() || size > MAX_ROWS {
        return Err(KeyError::Parameter { part: ROWS, expected: MAX_ROWS, got: size });
    }
    let inverse = reader.scalar().ok_or(KeyError::Scalar { part: "the inverse of the rows" })?;
    if inverse * Fr::from(size) != Fr::ONE {
        return Err(KeyError::Degenerate {
            part: "the inverse of the rows",
            flaw: "of another number",
        });
    }
    let root = reader.scalar().ok_or(KeyError::Scalar { part: "the root of unity" })?;
    // Of order `size` exactly: half of it gives -1.
    if size == 1 || root.pow([size / 2]) != -Fr::ONE {
        return Err(KeyError::Degenerate { part: "the root of unity", flaw: "of another order" });
    }
    parameter("the number of public inputs", inputs as u64, reader.u64())?;
    let shift = reader.scalar().ok_or(KeyError::Scalar { part: "the shift of cosets" })?;
    if shift != Fr::from(COSET_SHIFT) {
        return Err(KeyError::Degenerate { part: "the shift of cosets", flaw: "not 5" });
    }
    let mut permutation = Vec::with_capacity(3);
    for _ in 0..3 {
        let point = reader.compressed_g1().ok_or(KeyError::Point { part: PERMUTATION })?;
        if permutation.contains(&point.x) {
            return Err(KeyError::Degenerate {
                part: PERMUTATION,
                flaw: "the point of another wire",
            });
        }
        permutation.push(point.x);
    }
    for _ in 0..5 {
        let _ = reader.compressed_g1().ok_or(KeyError::Point { part: "a selector" })?;
    }
    // Both zkVMs hash one group of wires into the circuit by a commitment; other numbers of them are not read.
    if reader.u32() != Some(1) {
        return Err(KeyError::Commitments);
    }
    let _ = reader.compressed_g1().ok_or(KeyError::Point { part: "the commitment's selector" })?;
    let _ = reader.compressed_g1().ok_or(KeyError::Point { part: "the ceremony's point of G1" })?;
    let mut g2 = || reader.compressed_g2().ok_or(KeyError::Point { part: CEREMONY });
    if g2()?.x == g2()?.x {
        return Err(KeyError::Degenerate {
            part: CEREMONY,
            flaw: "the other one, so its secret is 1",
        });
    }
    if reader.u32() != Some(1) {
        return Err(KeyError::Commitments);
    }
    let row = reader.u64().unwrap_or(u64::MAX);
    if row.checked_add(inputs as u64).is_none_or(|row| row >= size) {
        return Err(KeyError::Parameter {
            part: "the row of the commitment",
            expected: size,
            got: row,
        });
    }
    let mut full = Vec::with_capacity(FULL_KEY_BYTES);
    let (head, tail) = key.split_at(LINES_START);
    full.extend_from_slice(head);
    full.resize(LINES_START + LINES_BYTES, 0);
    full.extend_from_slice(tail);
    Ok(full)
}

fn parameter(part: &'static str, expected: u64, got: Option<u64>) -> Result<(), KeyError> {
    let got = got.unwrap_or_default();
    if got == expected { Ok(()) } else { Err(KeyError::Parameter { part, expected, got }) }
}

const fn check_size(bytes: &[u8], expected: usize) -> Result<(), KeyError> {
    if bytes.len() == expected {
        return Ok(());
    }
    Err(KeyError::Size {
        part: "the key of the circuit",
        expected: expected as u64,
        got: bytes.len() as u64,
    })
}

/// Bytes of a key without its lines.
pub(super) const KEY_BYTES: usize = LINES_START + 12;

/// Numbers, eleven points of G1 and two of G2.
const LINES_START: usize = 564;
/// Two points, two kinds of line, 66 steps of a pairing, four numbers.
const LINES_BYTES: usize = 2 * 2 * 66 * 4 * 32;
const FULL_KEY_BYTES: usize = KEY_BYTES + LINES_BYTES;

/// The largest power of two that divides the order of the group less one.
const MAX_ROWS: u64 = 1 << 28;
const COSET_SHIFT: u64 = 5;

const ROWS: &str = "the number of rows, which must be a power of two up to the expected one,";
const PERMUTATION: &str = "a point of the permutation";
const CEREMONY: &str = "a point of the ceremony in G2";
