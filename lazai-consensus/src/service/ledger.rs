use alloc::{boxed::Box, collections::BTreeMap, format, string::String, vec::Vec};
use core::fmt::Debug;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use alloy_primitives::{B256, hex};

use crate::{QuorumCertificate, Statement, certificate::MAX_CERTIFICATE_BYTES};

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
        statement: &Statement,
        certificate: &QuorumCertificate,
    ) -> Result<(), LedgerError>;

    /// All certificates, in any order. Whoever relies on one checks it.
    ///
    /// # Errors
    /// [`LedgerError`].
    fn all(&self) -> Result<Vec<(Statement, QuorumCertificate)>, LedgerError>;
}

/// Keeps certificates in memory. For simulations.
#[derive(Clone, Debug, Default)]
pub struct MemoryLedger {
    entries: BTreeMap<B256, (Statement, QuorumCertificate)>,
}

impl CertificateStore for MemoryLedger {
    fn keep(
        &mut self,
        statement: &Statement,
        certificate: &QuorumCertificate,
    ) -> Result<(), LedgerError> {
        self.entries.insert(statement.slot().hash(), (*statement, *certificate));
        Ok(())
    }

    fn all(&self) -> Result<Vec<(Statement, QuorumCertificate)>, LedgerError> {
        Ok(self.entries.values().copied().collect())
    }
}

/// Keeps each certificate in a file of a folder, named by the hash of its slot: statement, then certificate.
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
        Ok(Self { folder })
    }
}

impl CertificateStore for FileLedger {
    fn keep(
        &mut self,
        statement: &Statement,
        certificate: &QuorumCertificate,
    ) -> Result<(), LedgerError> {
        let name = hex::encode(statement.slot().hash());
        let beside = self.folder.join(format!("{name}.new"));
        let write = || -> io::Result<()> {
            let mut file = File::create(&beside)?;
            file.write_all(&statement.encode())?;
            file.write_all(&certificate.encode())?;
            file.sync_all()?;
            fs::rename(&beside, self.folder.join(&name))?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|error| failed("written", &error))
    }

    fn all(&self) -> Result<Vec<(Statement, QuorumCertificate)>, LedgerError> {
        let files = fs::read_dir(&self.folder).map_err(|error| failed("listed", &error))?;
        let mut entries = Vec::new();
        for file in files {
            let path = file.map_err(|error| failed("listed", &error))?.path();
            entries.extend(read(&path).map_err(|error| failed("read", &error))?);
        }
        Ok(entries)
    }
}

/// The certificate in a file; `None` if it holds something else.
fn read(path: &Path) -> io::Result<Option<(Statement, QuorumCertificate)>> {
    let length = fs::metadata(path)?.len();
    let most = (crate::statement::MAX_STATEMENT_BYTES.saturating_add(MAX_CERTIFICATE_BYTES)) as u64;
    if length > most || path.extension().is_some() {
        return Ok(None);
    }
    let bytes = fs::read(path)?;
    let mut reader = crate::codec::Reader::new(&bytes);
    let Ok(statement) = Statement::read(&mut reader) else { return Ok(None) };
    let certificate = reader.slice(reader.remaining()).and_then(QuorumCertificate::decode);
    Ok(certificate.ok().map(|certificate| (statement, certificate)))
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
