use std::{
    fs::{self, OpenOptions},
    io::{BufWriter, Write},
    path::Path,
};

use halo2_proofs::SerdeFormat;

use super::{Srs, SrsError};
use crate::whole_file::write_whole;

impl Srs {
    /// Returns the string in the file `cache`, or else what `make` returns, which is then kept
    /// there.
    ///
    /// A file that has another number of powers, or that does not pass the checks, is replaced.
    /// Whoever can write the file chooses the ceremony: compare [`digest`](Self::digest) where that
    /// matters. A string with the published secret is never kept.
    ///
    /// # Errors
    /// Those of `make`, and [`SrsError::Io`] if the file cannot be written.
    pub fn cached(
        cache: impl AsRef<Path>,
        k: u32,
        make: impl FnOnce() -> Result<Self, SrsError>,
    ) -> Result<Self, SrsError> {
        if let Ok(srs) = Self::open(&cache, k)
            && fs::metadata(&cache)?.len() == srs.bytes()
        {
            return Ok(srs);
        }
        let srs = make()?;
        if !srs.verifier().is_development() {
            srs.save(cache)?;
        }
        Ok(srs)
    }

    /// Writes the format that [`open`](Self::open) reads fastest: halo2's, points in Montgomery
    /// form.
    ///
    /// The file appears only when it is complete.
    ///
    /// # Errors
    /// [`SrsError::Io`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), SrsError> {
        write_whole(path.as_ref(), |part| self.write(part))
    }

    fn write(&self, path: &Path) -> Result<(), SrsError> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
        let mut writer = BufWriter::with_capacity(1 << 20, file);
        self.params().write_custom(&mut writer, SerdeFormat::RawBytes)?;
        writer.flush()?;
        writer.get_ref().sync_all()?;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        4 + 64 * ((2 << self.k()) + 4)
    }
}
