//! Files of snarkjs, `.ptau`: sections of points in Montgomery form.

use std::{
    collections::BTreeMap,
    io::{Read, Seek},
};

use halo2_proofs::halo2curves::{
    bn256::{Fq, Fr, G1Affine, G2Affine},
    ff::{Field, PrimeField},
    serde::SerdeObject,
};

use super::{
    SrsError,
    check::root_of_unity,
    parts::SrsParts,
    points_file::{Encoding, PointsFile},
};

/// The first bytes of a file.
pub(super) const MAGIC: [u8; 4] = *b"ptau";

/// Reads `2^k` powers, and the Lagrange basis if the file is prepared for the second phase.
pub(super) fn read<R: Read + Seek>(file: &mut PointsFile<R>, k: u32) -> Result<SrsParts, SrsError> {
    let sections = sections(file)?;
    let power = header(file, &sections, k)?;
    let points = 1_u64 << power;
    enter(file, &sections, TAU_G1, (2 * points - 1) * 64)?;
    let g = file.points(k, Encoding::Raw, "the powers in G1")?;
    enter(file, &sections, TAU_G2, points * 128)?;
    if G2Affine::from_raw_bytes(&file.array::<128>()?) != Some(G2Affine::generator()) {
        return Err(SrsError::Generator { group: "G2" });
    }
    let s_g2 = G2Affine::from_raw_bytes(&file.array::<128>()?)
        .ok_or(SrsError::Point { what: "the powers in G2", index: 1 })?;
    let lagrange = if sections.contains_key(&LAGRANGE_G1) {
        // The section holds bases of 1, 2, 4... points, up to one of twice as many as there are
        // powers in G2.
        let start = enter(file, &sections, LAGRANGE_G1, (4 * points - 1) * 64)?;
        file.seek(start + ((1 << k) - 1) * 64)?;
        Some(reorder(k, &file.points(k, Encoding::Raw, "the Lagrange basis")?))
    } else {
        None
    };
    Ok(SrsParts { g, lagrange, s_g2 })
}

/// Start and length of each section.
type Sections = BTreeMap<u32, (u64, u64)>;

fn sections<R: Read + Seek>(file: &mut PointsFile<R>) -> Result<Sections, SrsError> {
    file.seek(MAGIC.len() as u64)?;
    let version = file.u32()?;
    if version != VERSION {
        return Err(SrsError::Version { expected: VERSION, got: version });
    }
    let count = file.u32()?;
    let mut sections = BTreeMap::new();
    for _ in 0..count {
        let (section, size) = (file.u32()?, file.u64()?);
        let start = file.at();
        let used = [HEADER, TAU_G1, TAU_G2, LAGRANGE_G1].contains(&section);
        if used && sections.insert(section, (start, size)).is_some() {
            return Err(SrsError::RepeatedSection { section });
        }
        file.seek(start.saturating_add(size))?;
    }
    if file.at() != file.length() {
        return Err(SrsError::Length { expected: file.at(), got: file.length() });
    }
    Ok(sections)
}

/// Seeks a section, which must have the expected size, and returns its start.
fn enter<R: Read + Seek>(
    file: &mut PointsFile<R>,
    sections: &Sections,
    section: u32,
    expected: u64,
) -> Result<u64, SrsError> {
    let (start, got) = *sections.get(&section).ok_or(SrsError::MissingSection { section })?;
    if got != expected {
        return Err(SrsError::SectionSize { section, expected, got });
    }
    file.seek(start)?;
    Ok(start)
}

/// Returns the binary logarithm of the powers in the file.
fn header<R: Read + Seek>(
    file: &mut PointsFile<R>,
    sections: &Sections,
    k: u32,
) -> Result<u32, SrsError> {
    enter(file, sections, HEADER, 44)?;
    let size = file.u32()?;
    // p - 1, in the standard form.
    let mut prime = (-Fq::ONE).to_repr();
    prime.as_mut()[0] += 1;
    if size != 32 || file.array::<32>()? != prime.as_ref() {
        return Err(SrsError::Field);
    }
    let power = file.u32()?;
    if power > Fr::S {
        return Err(SrsError::Power { got: power, max: Fr::S });
    }
    if power < k {
        return Err(SrsError::TooSmall { expected: k, got: power });
    }
    Ok(power)
}

/// Reorders a basis for the roots of unity of snarkjs, powers of `5^t`, into the order of halo2's,
/// powers of `7^t`.
fn reorder(k: u32, points: &[G1Affine]) -> Vec<G1Affine> {
    let root = (k..Fr::S).fold(Fr::from(5).pow_vartime(ODD_PART), |root, _| root.square());
    // The exponent, bit by bit: `root = own^exponent`.
    let own = root_of_unity(k);
    let inverse = own.invert().unwrap_or(Fr::ONE);
    let mut exponent = 0_usize;
    for bit in 0..k {
        let rest = root * inverse.pow_vartime([exponent as u64]);
        if rest.pow_vartime([1_u64 << (k - 1 - bit)]) != Fr::ONE {
            exponent |= 1 << bit;
        }
    }
    let mut ordered = points.to_vec();
    let mask = points.len() - 1;
    for (index, point) in points.iter().enumerate() {
        ordered[exponent.wrapping_mul(index) & mask] = *point;
    }
    ordered
}

const VERSION: u32 = 1;
const HEADER: u32 = 1;
const TAU_G1: u32 = 2;
const TAU_G2: u32 = 3;
const LAGRANGE_G1: u32 = 12;
/// `(r - 1) / 2^28`.
const ODD_PART: [u64; 4] =
    [0x9b97_0914_3e1f_593f, 0x1815_85d2_833e_8487, 0x131a_029b_8504_5b68, 0x0003_0644_e72e];
