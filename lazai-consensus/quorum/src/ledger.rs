use alloc::{boxed::Box, collections::BTreeMap, format, vec::Vec};
use core::fmt::Debug;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, hex};
use lazai_consensus::{Attestation, Epoch, ErrorSource, MAX_CERTIFICATE_BYTES, QuorumCertificate};

/// Keeps certificates and storage pledges, so that a member knows after a restart what its quorum
/// has certified, and what it has said itself.
///
/// What [`keep`](Self::keep) and [`pledge`](Self::pledge) have taken stays, whatever crashes
/// afterwards.
pub trait CertificateStore: Debug + Send {
    /// Keeps a certificate; one for the same slot is replaced.
    ///
    /// # Errors
    /// [`LedgerError`] if the disk fails.
    fn keep(
        &mut self,
        attestation: &Attestation,
        certificate: &QuorumCertificate,
    ) -> Result<(), LedgerError>;

    /// Returns all certificates, in any order. The caller verifies those that it relies on.
    ///
    /// # Errors
    /// [`LedgerError`] if the disk fails.
    fn all(&self) -> Result<Vec<(Attestation, QuorumCertificate)>, LedgerError>;

    /// Keeps the pledge of this member to hold the dataset `root` until the end of an epoch. Of
    /// several epochs the last counts. Others may make a certificate of the pledge that this member
    /// never sees.
    ///
    /// # Errors
    /// [`LedgerError`]; the member must not vote then.
    fn pledge(&mut self, root: B256, until: Epoch) -> Result<(), LedgerError>;

    /// Returns all pledges: the root of a dataset, and the last epoch in which it is held.
    ///
    /// # Errors
    /// [`LedgerError`] if the disk fails.
    fn pledges(&self) -> Result<Vec<(B256, Epoch)>, LedgerError>;

    /// Forgets the pledge to hold a dataset, if there is one.
    ///
    /// # Errors
    /// [`LedgerError`] if the disk fails.
    fn forget(&mut self, root: B256) -> Result<(), LedgerError>;
}

/// Keeps certificates and pledges in memory, for simulations.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    entries: BTreeMap<B256, (Attestation, QuorumCertificate)>,
    pledges: BTreeMap<B256, Epoch>,
}

impl CertificateStore for MemoryLedger {
    fn keep(
        &mut self,
        attestation: &Attestation,
        certificate: &QuorumCertificate,
    ) -> Result<(), LedgerError> {
        self.entries.insert(attestation.slot().hash(), (*attestation, *certificate));
        Ok(())
    }

    fn all(&self) -> Result<Vec<(Attestation, QuorumCertificate)>, LedgerError> {
        Ok(self.entries.values().copied().collect())
    }

    fn pledge(&mut self, root: B256, until: Epoch) -> Result<(), LedgerError> {
        let known = self.pledges.entry(root).or_insert(until);
        *known = until.max(*known);
        Ok(())
    }

    fn pledges(&self) -> Result<Vec<(B256, Epoch)>, LedgerError> {
        Ok(self.pledges.iter().map(|(root, until)| (*root, *until)).collect())
    }

    fn forget(&mut self, root: B256) -> Result<(), LedgerError> {
        self.pledges.remove(&root);
        Ok(())
    }
}

/// Keeps each certificate in a file of a folder, named by the hash of its slot: attestation, then
/// certificate. Pledges are in files named by the root and `.until`: the epoch u64, big-endian.
///
/// A file is written under another name, synced and renamed, and the folder synced. Other files are
/// ignored.
#[derive(Debug)]
pub struct FileLedger {
    folder: PathBuf,
}

impl FileLedger {
    /// Opens the ledger in `folder`, or creates an empty one.
    ///
    /// # Errors
    /// [`LedgerError`] if the disk fails.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, LedgerError> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(failed("made"))?;
        // Its name is on disk when the folder above is.
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        let synced = File::open(above.unwrap_or(Path::new("."))).and_then(|above| above.sync_all());
        synced.map_err(failed("made"))?;
        Ok(Self { folder })
    }

    fn write(&self, name: &str, parts: &[&[u8]]) -> Result<(), LedgerError> {
        let beside = self.folder.join(format!("{name}.new"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            parts.iter().try_for_each(|part| file.write_all(part))?;
            file.sync_all()?;
            fs::rename(&beside, self.folder.join(name))?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(failed("written"))
    }
}

impl CertificateStore for FileLedger {
    fn keep(
        &mut self,
        attestation: &Attestation,
        certificate: &QuorumCertificate,
    ) -> Result<(), LedgerError> {
        let name = hex::encode(attestation.slot().hash());
        self.write(&name, &[&attestation.encode(), &certificate.encode()])
    }

    fn all(&self) -> Result<Vec<(Attestation, QuorumCertificate)>, LedgerError> {
        let files = fs::read_dir(&self.folder).map_err(failed("listed"))?;
        let mut entries = Vec::new();
        for file in files {
            let path = file.map_err(failed("listed"))?.path();
            entries.extend(read(&path).map_err(failed("read"))?);
        }
        Ok(entries)
    }

    fn pledge(&mut self, root: B256, until: Epoch) -> Result<(), LedgerError> {
        let name = format!("{}{UNTIL}", hex::encode(root));
        let known = read_epoch(&self.folder.join(&name)).map_err(failed("read"))?;
        if known.is_some_and(|known| known >= until) {
            return Ok(());
        }
        self.write(&name, &[&until.0.to_be_bytes()])
    }

    fn pledges(&self) -> Result<Vec<(B256, Epoch)>, LedgerError> {
        let files = fs::read_dir(&self.folder).map_err(failed("listed"))?;
        let mut pledges = Vec::new();
        for file in files {
            let file = file.map_err(failed("listed"))?;
            let name = file.file_name();
            let root = name.to_str().and_then(|name| name.strip_suffix(UNTIL));
            let Some(root) = root.and_then(|root| hex::decode_to_array::<_, 32>(root).ok()) else {
                continue;
            };
            let until = read_epoch(&file.path()).map_err(failed("read"))?;
            pledges.extend(until.map(|until| (B256::new(root), until)));
        }
        Ok(pledges)
    }

    fn forget(&mut self, root: B256) -> Result<(), LedgerError> {
        // If a crash undoes it, the dataset is kept too long, and no harm is done.
        match fs::remove_file(self.folder.join(format!("{}{UNTIL}", hex::encode(root)))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("removed")(error)),
            _ => Ok(()),
        }
    }
}

/// Returns the epoch in a file; `None` if there is no such file, or if it holds something else.
fn read_epoch(path: &Path) -> io::Result<Option<Epoch>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(9).read_to_end(&mut bytes)?;
    Ok(bytes.try_into().ok().map(u64::from_be_bytes).map(Epoch))
}

/// Returns the certificate in a file; `None` if it holds something else.
fn read(path: &Path) -> io::Result<Option<(Attestation, QuorumCertificate)>> {
    let length = fs::metadata(path)?.len();
    let most =
        (lazai_consensus::MAX_ATTESTATION_BYTES.saturating_add(MAX_CERTIFICATE_BYTES)) as u64;
    if length > most || path.extension().is_some() {
        return Ok(None);
    }
    let bytes = fs::read(path)?;
    let mut reader = lazai_api_types::codec::Reader::new(&bytes);
    let Ok(attestation) = Attestation::read(&mut reader) else { return Ok(None) };
    let certificate = reader.slice(reader.remaining()).and_then(QuorumCertificate::decode);
    Ok(certificate.ok().map(|certificate| (attestation, certificate)))
}

/// The certificates or pledges cannot be read or written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the certificates cannot be {action}: {source}")]
pub struct LedgerError {
    /// The action that failed.
    pub action: &'static str,
    /// The cause.
    pub source: ErrorSource,
}

fn failed(action: &'static str) -> impl FnOnce(io::Error) -> LedgerError {
    move |error| LedgerError { action, source: ErrorSource::new(error) }
}

/// A ledger that users pick at run time.
pub(super) type AnyLedger = Box<dyn CertificateStore>;

const UNTIL: &str = ".until";
