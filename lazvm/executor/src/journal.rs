use std::{
    fs::{File, OpenOptions, rename},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use alloy_primitives::{B256, keccak256};
use lazai_api_types::{
    IoError,
    chain::{Block, MAX_BLOCK_BYTES, MAX_PAYLOAD_BYTES},
    codec::DecodeError,
};

/// The final blocks in their order, in a file that only grows. What [`append`](Self::append)
/// returned for is there after a crash.
///
/// The file is a header (magic and the state root of the genesis block) and one record for each
/// block: marker, height, length, the block, and keccak256 of the three before. A record is synced
/// before the next one starts, so a crash damages the last one at most: it is cut off when the
/// journal is opened. Damage anywhere else is an error, because a block that was acknowledged would
/// be gone.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    /// Where the next record starts.
    end: u64,
    /// Blocks in the file; the heights are 1 to this.
    height: u64,
    /// Set once the file may hold something else than `end` and `height` say.
    broken: bool,
}

impl Journal {
    /// Opens the journal at `path`, makes it where there is none, and hands each of its blocks to
    /// `visit`. Returns how many bytes of a torn record were cut off.
    pub(crate) fn open<E: From<JournalError>>(
        path: &Path,
        genesis: B256,
        mut visit: impl FnMut(Block) -> Result<(), E>,
    ) -> Result<(Self, u64), E> {
        let failed = |error: io::Error| JournalError::io("open", error);
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(genesis.as_slice());
        if !path.try_exists().map_err(failed)? {
            make(path, &header).map_err(|error| JournalError::io("make", error))?;
        }
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        let mut found = Vec::new();
        (&file).take(HEADER_BYTES).read_to_end(&mut found).map_err(failed)?;
        if found != header {
            return Err(JournalError::Header.into());
        }
        let file_again = file.try_clone().map_err(failed)?;
        let mut journal = Self { file: file_again, end: 0, height: 0, broken: false };
        journal.end = HEADER_BYTES;
        let mut reader = io::BufReader::new(file);
        while journal.end < length {
            let height = journal.height + 1;
            match record(&mut reader, height, length - journal.end).map_err(failed)? {
                Some((bytes, size)) => {
                    let block = Block::decode(&bytes)
                        .map_err(|source| JournalError::Block { height, source })?;
                    if block.height != height {
                        let got = block.height;
                        return Err(JournalError::Height { expected: height, got }.into());
                    }
                    visit(block)?;
                    (journal.end, journal.height) = (journal.end + size, height);
                }
                None => {
                    journal.check_torn(length)?;
                    journal.cut().map_err(|error| JournalError::io("cut", error))?;
                    let cut_bytes = length - journal.end;
                    return Ok((journal, cut_bytes));
                }
            }
        }
        Ok((journal, 0))
    }

    /// Appends a block and returns when it is durable.
    ///
    /// # Errors
    /// [`JournalError`] if the file cannot be written; the block is not in the journal then, or no
    /// more can be appended.
    pub(crate) fn append(&mut self, block: &Block) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Broken);
        }
        if block.height != self.height + 1 {
            return Err(JournalError::Height { expected: self.height + 1, got: block.height });
        }
        let record = encode(block);
        if let Err(error) = self.write(&record) {
            self.broken = self.cut().is_err();
            return Err(JournalError::io("append to", error));
        }
        (self.end, self.height) = (self.end + record.len() as u64, block.height);
        Ok(())
    }

    /// The height of the last block; 0 if there is none.
    pub(crate) const fn height(&self) -> u64 {
        self.height
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(self.end))?;
        self.file.write_all(bytes)?;
        self.file.sync_data()
    }

    fn cut(&self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.sync_all()
    }

    /// Checks that what stands behind the last good record can be one torn record.
    fn check_torn(&mut self, length: u64) -> Result<(), JournalError> {
        let damaged = JournalError::Damaged { height: self.height + 1, offset: self.end };
        if length - self.end > MAX_RECORD_BYTES {
            return Err(damaged);
        }
        let mut rest = Vec::new();
        let failed = |error: io::Error| JournalError::io("read", error);
        self.file.seek(SeekFrom::Start(self.end)).map_err(failed)?;
        self.file.read_to_end(&mut rest).map_err(failed)?;
        // Users choose what stands in a payload, and could put whole records there: where the bad
        // one ends is known, only what is behind that counts.
        let inside = claimed_size(&rest, self.height + 1).unwrap_or(1);
        // A whole record behind the bad one was written after the bad one was synced.
        let whole = |start: usize| {
            let bytes = rest.get(start..)?;
            let height = bytes.get(MARKER.len()..MARKER.len() + 8)?.first_chunk()?;
            let height = u64::from_be_bytes(*height);
            let found = record(&mut &*bytes, height, bytes.len() as u64).ok()?;
            (height > self.height).then_some(found)?
        };
        let behind =
            (inside..rest.len()).filter(|at| rest[*at..].starts_with(&MARKER)).find_map(whole);
        if behind.is_some() { Err(damaged) } else { Ok(()) }
    }
}

/// Makes a journal without blocks. It gets its name when its header is durable, so that no crash
/// leaves half a header.
fn make(path: &Path, header: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = File::create(&new)?;
    file.write_all(header)?;
    file.sync_all()?;
    rename(&new, path)
}

/// Reads one record of at most `left` bytes; none if it is not whole and sound.
fn record(reader: &mut impl Read, height: u64, left: u64) -> io::Result<Option<(Vec<u8>, u64)>> {
    let mut head = [0; HEAD_BYTES as usize];
    if left < HEAD_BYTES + SUM_BYTES {
        return Ok(None);
    }
    reader.read_exact(&mut head)?;
    let expected: Vec<u8> = [&MARKER[..], &height.to_be_bytes()].concat();
    let Some(length) = head.strip_prefix(&expected[..]).and_then(|rest| rest.first_chunk()) else {
        return Ok(None);
    };
    let length = u64::from(u32::from_be_bytes(*length));
    let size = HEAD_BYTES + length + SUM_BYTES;
    if size > left.min(MAX_RECORD_BYTES) {
        return Ok(None);
    }
    let mut bytes = head.to_vec();
    reader.by_ref().take(length).read_to_end(&mut bytes)?;
    let mut sum = [0; SUM_BYTES as usize];
    reader.read_exact(&mut sum)?;
    if keccak256(&bytes) != B256::new(sum) {
        return Ok(None);
    }
    Ok(Some((bytes.split_off(HEAD_BYTES as usize), size)))
}

/// The bytes that the record at the front of `bytes` was to have, if its head is sound: the lengths
/// of record and payload stand at different places, and agree.
fn claimed_size(bytes: &[u8], height: u64) -> Option<usize> {
    let field = |at: usize| bytes.get(at..)?.first_chunk().map(|word| u32::from_be_bytes(*word));
    let (head, block) = (HEAD_BYTES as usize, MAX_BLOCK_BYTES - MAX_PAYLOAD_BYTES);
    let expected: Vec<u8> = [&MARKER[..], &height.to_be_bytes()].concat();
    let length = field(head - 4).filter(|_| bytes.starts_with(&expected))?;
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_BLOCK_BYTES)?;
    let payload = usize::try_from(field(head + block - 4)?).ok()?;
    (length.checked_sub(block) == Some(payload)).then_some(head + length + SUM_BYTES as usize)
}

fn encode(block: &Block) -> Vec<u8> {
    let body = block.encode();
    let mut record = MARKER.to_vec();
    record.extend_from_slice(&block.height.to_be_bytes());
    record.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    record.extend_from_slice(&body);
    let sum = keccak256(&record);
    record.extend_from_slice(sum.as_slice());
    record
}

/// Why the journal cannot be used.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum JournalError {
    /// A sound record holds no block.
    #[error("the record of block {height} cannot be read: {source}")]
    Block {
        /// The height of the record.
        height: u64,
        /// What is wrong.
        source: DecodeError,
    },
    /// An append failed, and so did taking it back: the journal must be opened again.
    #[error("an append failed and could not be taken back: start the node again")]
    Broken,
    /// A record in the middle is damaged, so blocks that were acknowledged are gone.
    #[error(
        "the record of block {height} at byte {offset} is damaged, and others follow: restore the \
         journal from a copy, or delete the folder and fetch the blocks again"
    )]
    Damaged {
        /// The height of the damaged record.
        height: u64,
        /// Where it starts.
        offset: u64,
    },
    /// The file is no journal, or one of another chain.
    #[error("the file is no journal of this chain: name another folder")]
    Header,
    /// A block does not follow the last one.
    #[error("block {expected} comes next, and {got} came")]
    Height {
        /// The height that follows.
        expected: u64,
        /// The height given.
        got: u64,
    },
    /// The operating system refused.
    #[error("cannot {action} the journal: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The error of the file system.
        source: IoError,
    },
}

impl JournalError {
    fn io(action: &'static str, error: io::Error) -> Self {
        Self::Io { action, source: error.into() }
    }
}

const MAGIC: [u8; 8] = *b"LAZJRNL1";
const HEADER_BYTES: u64 = 8 + 32;
const MARKER: [u8; 4] = *b"LZB1";
const HEAD_BYTES: u64 = 4 + 8 + 4;
const SUM_BYTES: u64 = 32;
const MAX_RECORD_BYTES: u64 = HEAD_BYTES + SUM_BYTES + MAX_BLOCK_BYTES as u64;
