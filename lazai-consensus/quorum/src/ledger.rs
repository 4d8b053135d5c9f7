use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};
use core::fmt::Debug;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, hex};
use lazai_consensus::{Attestation, Epoch, MAX_CERTIFICATE_BYTES, QuorumCertificate};

/// Keeps certificates, so that a member knows after a restart what its quorum has vouched for.
///
/// What [`keep`](Self::keep) has taken stays, whatever crashes afterwards.
pub trait CertificateStore: Debug + Send {
    /// Keeps a certificate; one for the same slot is replaced.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn keep(
        &mut self,
        attestation: &Attestation,
        certificate: &QuorumCertificate,
    ) -> Result<(), LedgerError>;

    /// All certificates, in any order. Whoever relies on one checks it.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn all(&self) -> Result<Vec<(Attestation, QuorumCertificate)>, LedgerError>;

    /// Keeps that this member says that it holds the data set `root` until the end of an epoch. Of several epochs the last
    /// counts. Others may make a certificate of that which this member never sees.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing may be said then.
    fn vouch(&mut self, root: B256, until: Epoch) -> Result<(), LedgerError>;

    /// All data sets that were vouched for, with the last epoch of each.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn vouched(&self) -> Result<Vec<(B256, Epoch)>, LedgerError>;

    /// Forgets that a data set was vouched for, if it was.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn forget(&mut self, root: B256) -> Result<(), LedgerError>;
}

/// Keeps certificates in memory. For simulations.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    entries: BTreeMap<B256, (Attestation, QuorumCertificate)>,
    vouched: BTreeMap<B256, Epoch>,
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

    fn vouch(&mut self, root: B256, until: Epoch) -> Result<(), LedgerError> {
        let known = self.vouched.entry(root).or_insert(until);
        *known = until.max(*known);
        Ok(())
    }

    fn vouched(&self) -> Result<Vec<(B256, Epoch)>, LedgerError> {
        Ok(self.vouched.iter().map(|(root, until)| (*root, *until)).collect())
    }

    fn forget(&mut self, root: B256) -> Result<(), LedgerError> {
        self.vouched.remove(&root);
        Ok(())
    }
}

/// Keeps each certificate in a file of a folder, named by the hash of its slot: attestation, then certificate. What was vouched
/// for stands in files named by the root and `.until`: the epoch u64, big-endian.
///
/// A file is written under another name, synced and renamed, and the folder synced. What is no such file is passed over.
#[derive(Debug)]
pub struct FileLedger {
    folder: PathBuf,
}

impl FileLedger {
    /// Opens the ledger in `folder`, or makes an empty one.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, LedgerError> {
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|error| failed("made", &error))?;
        // Its name is on disk when the folder above is.
        let above = folder.parent().filter(|above| !above.as_os_str().is_empty());
        let synced = File::open(above.unwrap_or(Path::new("."))).and_then(|above| above.sync_all());
        synced.map_err(|error| failed("made", &error))?;
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
        write().map_err(|error| failed("written", &error))
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
        let files = fs::read_dir(&self.folder).map_err(|error| failed("listed", &error))?;
        let mut entries = Vec::new();
        for file in files {
            let path = file.map_err(|error| failed("listed", &error))?.path();
            entries.extend(read(&path).map_err(|error| failed("read", &error))?);
        }
        Ok(entries)
    }

    fn vouch(&mut self, root: B256, until: Epoch) -> Result<(), LedgerError> {
        let name = format!("{}{UNTIL}", hex::encode(root));
        let known = read_epoch(&self.folder.join(&name)).map_err(|error| failed("read", &error))?;
        if known.is_some_and(|known| known >= until) {
            return Ok(());
        }
        self.write(&name, &[&until.0.to_be_bytes()])
    }

    fn vouched(&self) -> Result<Vec<(B256, Epoch)>, LedgerError> {
        let files = fs::read_dir(&self.folder).map_err(|error| failed("listed", &error))?;
        let mut vouched = Vec::new();
        for file in files {
            let file = file.map_err(|error| failed("listed", &error))?;
            let name = file.file_name();
            let root = name.to_str().and_then(|name| name.strip_suffix(UNTIL));
            let Some(root) = root.and_then(|root| hex::decode_to_array::<_, 32>(root).ok()) else {
                continue;
            };
            let until = read_epoch(&file.path()).map_err(|error| failed("read", &error))?;
            vouched.extend(until.map(|until| (B256::new(root), until)));
        }
        Ok(vouched)
    }

    fn forget(&mut self, root: B256) -> Result<(), LedgerError> {
        // If a crash undoes it, the data set is kept too long, and no harm is done.
        match fs::remove_file(self.folder.join(format!("{}{UNTIL}", hex::encode(root)))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("removed", &error)),
            _ => Ok(()),
        }
    }
}

/// The epoch in a file; `None` if there is no such file, or if it holds something else.
fn read_epoch(path: &Path) -> io::Result<Option<Epoch>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(9).read_to_end(&mut bytes)?;
    Ok(bytes.try_into().ok().map(u64::from_be_bytes).map(Epoch))
}

/// The certificate in a file; `None` if it holds something else.
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

/// The certificates cannot be read or written.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the certificates cannot be {action}: {reason}")]
pub struct LedgerError {
    /// What was tried.
    pub action: &'static str,
    /// What the system said.
    pub reason: String,
}

fn failed(action: &'static str, error: &io::Error) -> LedgerError {
    LedgerError { action, reason: format!("{error}") }
}

/// A ledger that users pick at run time.
pub(super) type AnyLedger = Box<dyn CertificateStore>;

const UNTIL: &str = ".until";
