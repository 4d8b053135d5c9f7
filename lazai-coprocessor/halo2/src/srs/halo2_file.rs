//! Files of halo2, `.srs`: what `ParamsKZG::write_custom` writes, in each of its formats.

use std::io::{Read, Seek};

use halo2_proofs::halo2curves::{
    bn256::{Fr, G2Affine},
    ff::PrimeField,
    group::GroupEncoding,
    serde::SerdeObject,
};

use super::{
    SrsError,
    parts::SrsParts,
    points_file::{Encoding, PointsFile},
};

/// Reads `2^k` powers, and the Lagrange basis if the file holds that of `2^k`.
pub(super) fn read<R: Read + Seek>(file: &mut PointsFile<R>, k: u32) -> Result<SrsParts, SrsError> {
    file.seek(0)?;
    let power = file.u32()?;
    if power > Fr::S {
        return Err(SrsError::Power { got: power, max: Fr::S });
    }
    let size = |encoding: Encoding| HEADER + (encoding.bytes() as u64) * ((2 << power) + 4);
    let encoding = [Encoding::Raw, Encoding::Compressed]
        .into_iter()
        .find(|encoding| size(*encoding) == file.length())
        .ok_or(SrsError::Length { expected: size(Encoding::Raw), got: file.length() })?;
    if power < k {
        return Err(SrsError::TooSmall { expected: k, got: power });
    }
    let g = file.points(k, encoding, "the powers in G1")?;
    let lagrange = if power == k {
        Some(file.points(k, encoding, "the Lagrange basis")?)
    } else {
        file.seek(HEADER + (encoding.bytes() as u64) * (2 << power))?;
        None
    };
    if g2(file, encoding)? != Some(G2Affine::generator()) {
        return Err(SrsError::Generator { group: "G2" });
    }
    let s_g2 = g2(file, encoding)?.ok_or(SrsError::Point { what: "the powers in G2", index: 1 })?;
    Ok(SrsParts { g, lagrange, s_g2 })
}

fn g2<R: Read + Seek>(
    file: &mut PointsFile<R>,
    encoding: Encoding,
) -> Result<Option<G2Affine>, SrsError> {
    Ok(match encoding {
        Encoding::Compressed => {
            let bytes = file.array::<64>()?;
            let mut encoded = <G2Affine as GroupEncoding>::Repr::default();
            encoded.as_mut().copy_from_slice(&bytes);
            Option::<G2Affine>::from(G2Affine::from_bytes(&encoded))
                .filter(|point| point.to_bytes().as_ref() == bytes)
        }
        Encoding::Raw => G2Affine::from_raw_bytes(&file.array::<128>()?),
    })
}

/// Bytes before the points.
const HEADER: u64 = 4;
