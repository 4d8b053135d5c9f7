use std::io::{Read, Seek, SeekFrom};

use halo2_proofs::{
    arithmetic::parallelize,
    halo2curves::{
        bn256::G1Affine,
        group::{GroupEncoding, prime::PrimeCurveAffine},
        serde::SerdeObject,
    },
};

use super::SrsError;

/// A file of points that is read no further than its true length.
#[derive(Debug)]
pub(super) struct PointsFile<R> {
    reader: R,
    at: u64,
    length: u64,
}

/// The encoding of points.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    /// One coordinate and a sign.
    Compressed,
    /// Both coordinates, in Montgomery form, little-endian.
    Raw,
}

impl Encoding {
    /// Returns the bytes of a point of G1.
    pub(super) const fn bytes(self) -> usize {
        match self {
            Self::Compressed => 32,
            Self::Raw => 64,
        }
    }

    fn decode(self, bytes: &[u8]) -> Option<G1Affine> {
        match self {
            Self::Compressed => {
                let mut encoded = <G1Affine as GroupEncoding>::Repr::default();
                encoded.as_mut().copy_from_slice(bytes);
                Option::<G1Affine>::from(G1Affine::from_bytes(&encoded))
                    // The decoder reads several encodings of some points.
                    .filter(|point| point.to_bytes().as_ref() == bytes)
            }
            Self::Raw => G1Affine::from_raw_bytes(bytes),
        }
        .filter(|point| !bool::from(point.is_identity()))
    }
}

impl<R: Read + Seek> PointsFile<R> {
    pub(super) fn new(mut reader: R) -> Result<Self, SrsError> {
        let length = reader.seek(SeekFrom::End(0))?;
        reader.rewind()?;
        Ok(Self { reader, at: 0, length })
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// Seeks a place in the file.
    pub(super) fn seek(&mut self, at: u64) -> Result<(), SrsError> {
        if at > self.length {
            return Err(SrsError::Length { expected: at, got: self.length });
        }
        self.at = self.reader.seek(SeekFrom::Start(at))?;
        Ok(())
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), SrsError> {
        self.claim(bytes.len() as u64)?;
        self.reader.read_exact(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Returns an error if fewer bytes are left.
    const fn claim(&self, bytes: u64) -> Result<(), SrsError> {
        let expected = self.at.saturating_add(bytes);
        if expected > self.length {
            return Err(SrsError::Length { expected, got: self.length });
        }
        Ok(())
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], SrsError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, SrsError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, SrsError> {
        self.array().map(u64::from_le_bytes)
    }

    /// Reads `2^k` points, none of them infinite.
    pub(super) fn points(
        &mut self,
        k: u32,
        encoding: Encoding,
        what: &'static str,
    ) -> Result<Vec<G1Affine>, SrsError> {
        let count = 1_usize << k;
        let size = encoding.bytes();
        // The length of the file bounds what is allocated.
        self.claim(count as u64 * size as u64)?;
        let mut points = Vec::with_capacity(count);
        let mut bytes = vec![0; size * count.min(CHUNK)];
        while points.len() < count {
            let wanted = size * (count - points.len()).min(CHUNK);
            self.fill(&mut bytes[..wanted])?;
            let bytes = &bytes[..wanted];
            let mut decoded = vec![None; wanted / size];
            parallelize(&mut decoded, |decoded, start| {
                for (point, bytes) in decoded.iter_mut().zip(bytes[start * size..].chunks(size)) {
                    *point = encoding.decode(bytes);
                }
            });
            for point in decoded {
                let index = points.len() as u64;
                points.push(point.ok_or(SrsError::Point { what, index })?);
            }
        }
        Ok(points)
    }
}

/// Number of points that are decoded at once.
const CHUNK: usize = 1 << 14;
