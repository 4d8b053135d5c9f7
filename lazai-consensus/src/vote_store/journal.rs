use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    vec::Vec,
};

use alloy_primitives::{B256, keccak256};

use super::{VoteStore, VoteStoreError};
use crate::{Epoch, ErrorSource, FileLock, Slot};

/// Keeps votes in an append-only file, each on disk before [`reserve`](VoteStore::reserve) returns.
///
/// A lock file beside it, `NAME.lock`, is held as long as the journal is open, so that two
/// processes with one key cannot both vote. When the journal is opened it is written anew, to
/// `NAME.new` and from there into its place: a process that was killed may have left records that
/// are in memory alone. A record that a crash cut off is dropped, as its vote was never signed. A
/// record that is whole but wrong is damage, and refused.
///
/// Bytes: `lazvm/vote-journal/1` ‖ first kept epoch u64 ‖ checksum, then per vote epoch u64 ‖ slot
/// hash ‖ attestation hash ‖ checksum; a checksum is the first eight bytes of the keccak256 of the
/// record before it.
#[derive(Debug)]
pub struct VoteJournal {
    path: PathBuf,
    file: File,
    /// The lock of the journal, on a file of its own because the journal is replaced when it is
    /// rewritten.
    _lock: FileLock,
    /// The number of bytes of complete records.
    length: u64,
    first_epoch: Epoch,
    votes: BTreeMap<B256, (Epoch, B256)>,
    /// A write failed halfway; what is on disk is not known until the journal is written anew.
    is_broken: bool,
}

impl VoteJournal {
    /// Opens the journal at `path`, or makes an empty one.
    ///
    /// # Errors
    /// [`VoteStoreError::Locked`] if another process has it open, [`VoteStoreError::Damaged`] if it
    /// holds what no journal writes, [`VoteStoreError::Io`] if it cannot be read or made.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, VoteStoreError> {
        let path = path.into();
        drop(open(&path)?);
        // One journal has one lock, by whatever link it is reached; and a link must not be what is
        // replaced.
        let path = fs::canonicalize(&path).map_err(|error| failed("opened", error))?;
        let lock = FileLock::take(&beside(&path, ".lock")).map_err(|error| match error {
            TryLockError::WouldBlock => VoteStoreError::Locked,
            TryLockError::Error(error) => failed("locked", error),
        })?;
        let mut file = open(&path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| failed("read", error))?;
        let mut journal = Self {
            path,
            file,
            _lock: lock,
            length: 0,
            first_epoch: Epoch::default(),
            votes: BTreeMap::new(),
            is_broken: false,
        };
        // A file shorter than its header is one whose making was cut off; nothing was signed under
        // it.
        let is_new = bytes.len() < HEADER_BYTES && header(Epoch::default()).starts_with(&bytes);
        if !is_new {
            journal.load(&bytes)?;
        }
        journal.rewrite()?;
        Ok(journal)
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), VoteStoreError> {
        let (head, records) =
            bytes.split_at_checked(HEADER_BYTES).ok_or(VoteStoreError::Damaged { at: 0 })?;
        let body = checked(head).ok_or(VoteStoreError::Damaged { at: 0 })?;
        let epoch = body.strip_prefix(MAGIC).and_then(|epoch| epoch.try_into().ok());
        self.first_epoch =
            Epoch(epoch.map(u64::from_be_bytes).ok_or(VoteStoreError::Damaged { at: 0 })?);
        let (whole, _torn) = records.as_chunks::<RECORD_BYTES>();
        let mut at = HEADER_BYTES as u64;
        for record in whole {
            let Some(body) = checked(record) else {
                return Err(VoteStoreError::Damaged { at });
            };
            let (epoch, hashes) = body.split_at(8);
            let (slot, attestation) = hashes.split_at(32);
            let epoch = epoch.try_into().map(u64::from_be_bytes);
            let epoch = Epoch(epoch.map_err(|_| VoteStoreError::Damaged { at })?);
            let attestation = B256::from_slice(attestation);
            let known = self.votes.insert(B256::from_slice(slot), (epoch, attestation));
            if known.is_some() {
                return Err(VoteStoreError::Damaged { at });
            }
            at = at.saturating_add(RECORD_BYTES as u64);
        }
        Ok(())
    }

    fn append(&mut self, record: &[u8]) -> Result<(), VoteStoreError> {
        let written = self
            .file
            .seek(SeekFrom::Start(self.length))
            .and_then(|_| self.file.write_all(record))
            .and_then(|()| self.file.sync_data());
        written.map_err(|error| {
            self.is_broken = true;
            failed("written", error)
        })?;
        self.length = self.length.saturating_add(record.len() as u64);
        Ok(())
    }

    /// Writes the whole journal beside the old one and puts it in its place.
    fn rewrite(&mut self) -> Result<(), VoteStoreError> {
        let mut bytes = header(self.first_epoch);
        for (slot, (epoch, attestation)) in &self.votes {
            bytes.extend_from_slice(&record(*epoch, slot, attestation));
        }
        let new = beside(&self.path, ".new");
        let prepare = || {
            // Before anything is replaced, because it may fail.
            let folder = File::open(self.path.parent().unwrap_or(&self.path))?;
            let mut options = OpenOptions::new();
            let mut file = options.read(true).write(true).create(true).truncate(true).open(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            Ok((folder, file))
        };
        let (folder, file) = prepare().map_err(|error| failed("written", error))?;
        // From here on the file that is written to may be without a name.
        self.is_broken = true;
        // A name in a folder is on disk when the folder is.
        fs::rename(&new, &self.path)
            .and_then(|()| folder.sync_all())
            .map_err(|error| failed("written", error))?;
        self.file = file;
        self.length = bytes.len() as u64;
        self.is_broken = false;
        Ok(())
    }
}

impl VoteStore for VoteJournal {
    fn reserve(&mut self, slot: &Slot, attestation: B256) -> Result<(), VoteStoreError> {
        if self.is_broken {
            let source = ErrorSource::new("an earlier write failed; open the journal again");
            return Err(VoteStoreError::Io { action: "written", source });
        }
        if slot.epoch < self.first_epoch {
            let (first, got) = (self.first_epoch.0, slot.epoch.0);
            return Err(VoteStoreError::Forgotten { first, got });
        }
        let name = slot.hash();
        match self.votes.get(&name) {
            Some((_, signed)) if *signed == attestation => Ok(()),
            Some((_, signed)) => {
                Err(VoteStoreError::Conflict { signed: *signed, got: attestation })
            }
            None => {
                self.append(&record(slot.epoch, &name, &attestation))?;
                self.votes.insert(name, (slot.epoch, attestation));
                Ok(())
            }
        }
    }

    fn reserved(&self, slot: &Slot) -> Option<B256> {
        self.votes.get(&slot.hash()).map(|(_, attestation)| *attestation)
    }

    fn forget_before(&mut self, first: Epoch) -> Result<(), VoteStoreError> {
        if first <= self.first_epoch {
            return Ok(());
        }
        let before = (self.first_epoch, self.votes.clone());
        self.first_epoch = first;
        self.votes.retain(|_, (epoch, _)| *epoch >= first);
        self.rewrite().inspect_err(|_| (self.first_epoch, self.votes) = before)
    }
}

fn open(path: &Path) -> Result<File, VoteStoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path).map_err(|error| failed("opened", error))
}

/// Returns the path with `suffix` appended to its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    name.into()
}

fn header(first: Epoch) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&first.0.to_be_bytes());
    sealed(bytes)
}

fn record(epoch: Epoch, slot: &B256, attestation: &B256) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(RECORD_BYTES);
    bytes.extend_from_slice(&epoch.0.to_be_bytes());
    bytes.extend_from_slice(slot.as_slice());
    bytes.extend_from_slice(attestation.as_slice());
    sealed(bytes)
}

fn sealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let checksum = keccak256(&bytes);
    bytes.extend_from_slice(&checksum[..CHECKSUM_BYTES]);
    bytes
}

/// Returns the record without its checksum, if that is right.
fn checked(bytes: &[u8]) -> Option<&[u8]> {
    let (body, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    (keccak256(body)[..CHECKSUM_BYTES] == *checksum).then_some(body)
}

fn failed(action: &'static str, error: io::Error) -> VoteStoreError {
    VoteStoreError::Io { action, source: ErrorSource::new(error) }
}

const MAGIC: &[u8] = b"lazvm/vote-journal/1";
const CHECKSUM_BYTES: usize = 8;
const HEADER_BYTES: usize = MAGIC.len() + 8 + CHECKSUM_BYTES;
const RECORD_BYTES: usize = 8 + 32 + 32 + CHECKSUM_BYTES;
