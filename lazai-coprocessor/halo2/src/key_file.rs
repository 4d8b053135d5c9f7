//! Proving keys on disk, so that keys are made only once.

use std::{
    fs::File,
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

use alloy_primitives::Keccak256;
use halo2_proofs::{SerdeFormat, plonk::ProvingKey as Halo2ProvingKey};

use crate::{
    Halo2Error, KeyField, PartCount, ProvingKey, VerifyingKey, config::Columns,
    whole_file::write_whole,
};

impl ProvingKey {
    /// Writes the key to a file, with a hash of its bytes at the end. The file appears only when it
    /// is complete.
    ///
    /// # Errors
    /// [`Halo2Error::File`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Halo2Error> {
        write_whole(path.as_ref(), |part| self.write(part))
    }

    fn write(&self, path: &Path) -> Result<(), Halo2Error> {
        let file = File::create(path)?;
        let mut writer = Hashing::new(BufWriter::with_capacity(1 << 20, &file));
        writer.write_all(MAGIC)?;
        let verifying = self.verifying.to_bytes();
        let parts = serde_json::to_vec(&self.parts).unwrap_or_default();
        writer.write_all(&self.range_bits.to_be_bytes())?;
        for bytes in [&verifying, &parts] {
            writer.write_all(&(bytes.len() as u32).to_be_bytes())?;
            writer.write_all(bytes)?;
        }
        self.halo2.write(&mut writer, SerdeFormat::RawBytesUnchecked)?;
        let hash = writer.hash();
        writer.inner.write_all(&hash)?;
        writer.inner.flush()?;
        file.sync_all()?;
        Ok(())
    }

    /// Reads what [`save`](Self::save) wrote.
    ///
    /// The hash detects accidents, not malice: whoever can write the file decides what is proved
    /// with it. A proof made with another key does not verify under the right one.
    ///
    /// # Errors
    /// [`Halo2Error::File`] if the file cannot be read, [`Halo2Error::Key`] if it is not such a
    /// file, or damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Halo2Error> {
        let mut file = File::open(path)?;
        check_hash(&file)?;
        file.seek(SeekFrom::Start(MAGIC.len() as u64))?;
        let mut reader = BufReader::with_capacity(1 << 20, file);
        let range_bits = word(&mut reader)?;
        let verifying = VerifyingKey::from_bytes(&block(&mut reader)?)?;
        let parts: Vec<PartCount> =
            serde_json::from_slice(&block(&mut reader)?).map_err(|error| damaged(&error))?;
        let (format, shape) = (SerdeFormat::RawBytesUnchecked, verifying.shape);
        let halo2 = Halo2ProvingKey::read::<_, Columns>(&mut reader, format, shape)?;
        if halo2.get_vk().transcript_repr() != verifying.halo2.transcript_repr() {
            return Err(damaged(&"its two parts are of different circuits"));
        }
        Ok(Self { verifying, halo2, range_bits, parts })
    }
}

/// Checks that the file starts with [`MAGIC`] and ends with the hash of everything before it.
fn check_hash(file: &File) -> Result<(), Halo2Error> {
    let length = file.metadata()?.len();
    let Some(hashed) = length.checked_sub(32).filter(|hashed| *hashed >= MAGIC.len() as u64) else {
        return Err(damaged(&format!("it has {length} bytes")));
    };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(damaged(&"it begins with something else"));
    }
    let mut hashing = Hashing::new(io::sink());
    hashing.write_all(&magic)?;
    io::copy(&mut (&mut reader).take(hashed - MAGIC.len() as u64), &mut hashing)?;
    let mut expected = [0; 32];
    reader.read_exact(&mut expected)?;
    if hashing.hash() != expected {
        return Err(damaged(&"its hash is another"));
    }
    Ok(())
}

fn word(reader: &mut impl Read) -> Result<u32, Halo2Error> {
    let mut word = [0; 4];
    reader.read_exact(&mut word)?;
    Ok(u32::from_be_bytes(word))
}

fn block(reader: &mut impl Read) -> Result<Vec<u8>, Halo2Error> {
    let length = word(reader)?;
    let mut bytes = Vec::new();
    reader.take(length.into()).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn damaged(got: &impl ToString) -> Halo2Error {
    let (field, expected) = (KeyField::File, "a whole one".to_owned());
    Halo2Error::Key { field, expected, got: got.to_string() }
}

/// A writer that hashes what passes through it.
struct Hashing<W> {
    inner: W,
    hasher: Keccak256,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Keccak256::new() }
    }

    fn hash(&self) -> [u8; 32] {
        self.hasher.clone().finalize().0
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

const MAGIC: &[u8; 16] = b"lazvm/halo2-pk/1";
