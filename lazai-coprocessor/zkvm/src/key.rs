use alloy_primitives::B256;

use crate::{KeyError, point::Reader};

/// The zkVM whose program is proved, with what its circuit takes besides program and public values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ZkVm {
    /// RISC Zero.
    RiscZero {
        /// The root of the control ids of its recursion programs, which names the release.
        control_root: B256,
        /// The control id of the program that goes over to bn254, in the byte order of RISC Zero's own digests.
        control_id: B256,
    },
    /// SP1 version 6.
    Sp1 {
        /// The root of the Merkle tree of its recursion keys, which names the release.
        vk_root: B256,
    },
    /// Ziren, the successor of zkMIPS.
    Ziren,
}

/// A verifying key as it is registered: which program, how its proofs are read, and the key of the circuit.
///
/// ```
/// use alloy_primitives::B256;
/// use lazai_zkvm::ForeignKey;
///
/// let key = ForeignKey::ziren(B256::repeat_byte(1), vec![0; 396]).with_statement_at(32);
/// assert_eq!(ForeignKey::parse(&key.encode())?, key);
/// # Ok::<(), lazai_zkvm::KeyError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ForeignKey {
    zkvm: ZkVm,
    program: B256,
    statement_offset: Option<u32>,
    verifying_key: Vec<u8>,
}

impl ForeignKey {
    /// The key of a program of RISC Zero, named by its image id.
    ///
    /// Encoding: `verifying_key` is what `docs/proofs.md` says, since RISC Zero publishes numbers and no bytes.
    #[must_use]
    pub const fn risc_zero(
        image_id: B256,
        control_root: B256,
        control_id: B256,
        verifying_key: Vec<u8>,
    ) -> Self {
        Self::new(ZkVm::RiscZero { control_root, control_id }, image_id, verifying_key)
    }

    /// The key of a program of SP1, named by the hash of its own key, and of the release that `vk_root` names.
    #[must_use]
    pub const fn sp1(program: B256, vk_root: B256, verifying_key: Vec<u8>) -> Self {
        Self::new(ZkVm::Sp1 { vk_root }, program, verifying_key)
    }

    /// The key of a program of Ziren, named by the first public input of its circuit: the hash of the program's own key,
    /// or in `imm` mode the Poseidon2 hash of that and of the release's STARK key.
    #[must_use]
    pub const fn ziren(program: B256, verifying_key: Vec<u8>) -> Self {
        Self::new(ZkVm::Ziren, program, verifying_key)
    }

    const fn new(zkvm: ZkVm, program: B256, verifying_key: Vec<u8>) -> Self {
        Self { zkvm, program, statement_offset: None, verifying_key }
    }

    /// Says that the program commits the hash of a statement at byte `offset` of its public values. Without it no proof
    /// under the key shows a statement.
    ///
    /// Bounds: an `offset` of `u32::MAX` lies outside all public values and means the same as none.
    #[must_use]
    pub const fn with_statement_at(mut self, offset: u32) -> Self {
        self.statement_offset = if offset == NO_STATEMENT { None } else { Some(offset) };
        self
    }

    /// The zkVM.
    #[must_use]
    pub const fn zkvm(&self) -> &ZkVm {
        &self.zkvm
    }

    /// The program.
    #[must_use]
    pub const fn program(&self) -> B256 {
        self.program
    }

    /// Where the public values hold the hash of the statement.
    #[must_use]
    pub const fn statement_offset(&self) -> Option<u32> {
        self.statement_offset
    }

    /// The key of the circuit.
    #[must_use]
    pub fn verifying_key(&self) -> &[u8] {
        &self.verifying_key
    }

    /// The bytes that are registered: `version ‖ zkVM ‖ program ‖ statement offset ‖ parameters of the zkVM ‖ key of the
    /// circuit`.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_HEADER_BYTES + self.verifying_key.len());
        bytes.push(VERSION);
        bytes.push(match self.zkvm {
            ZkVm::Ziren => ZIREN,
            ZkVm::Sp1 { .. } => SP1,
            ZkVm::RiscZero { .. } => RISC_ZERO,
        });
        bytes.extend_from_slice(self.program.as_slice());
        bytes.extend_from_slice(&self.statement_offset.unwrap_or(NO_STATEMENT).to_be_bytes());
        match &self.zkvm {
            ZkVm::Ziren => {}
            ZkVm::Sp1 { vk_root } => bytes.extend_from_slice(vk_root.as_slice()),
            ZkVm::RiscZero { control_root, control_id } => {
                bytes.extend_from_slice(control_root.as_slice());
                bytes.extend_from_slice(control_id.as_slice());
            }
        }
        bytes.extend_from_slice(&self.verifying_key);
        bytes
    }

    /// Reads a key; the key of the circuit is whatever follows, and is judged by the verifier.
    ///
    /// # Errors
    /// [`KeyError::Size`] if the header is cut, [`KeyError::Version`] and [`KeyError::ZkVm`] if it is of another kind.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        let cut = || KeyError::Size {
            part: "the header of the key",
            expected: MIN_HEADER_BYTES as u64,
            got: bytes.len() as u64,
        };
        let mut reader = Reader::new(bytes);
        let [version, zkvm] = *reader.take::<2>().ok_or_else(cut)?;
        if version != VERSION {
            return Err(KeyError::Version { expected: VERSION, got: version });
        }
        let program = B256::from(*reader.take().ok_or_else(cut)?);
        let offset = u32::from_be_bytes(*reader.take().ok_or_else(cut)?);
        let zkvm = match zkvm {
            ZIREN => ZkVm::Ziren,
            SP1 => ZkVm::Sp1 { vk_root: B256::from(*reader.take().ok_or_else(cut)?) },
            RISC_ZERO => ZkVm::RiscZero {
                control_root: B256::from(*reader.take().ok_or_else(cut)?),
                control_id: B256::from(*reader.take().ok_or_else(cut)?),
            },
            got => return Err(KeyError::ZkVm { got }),
        };
        Ok(Self::new(zkvm, program, reader.rest().to_vec()).with_statement_at(offset))
    }
}

/// Bytes of the largest header.
pub(crate) const MAX_HEADER_BYTES: usize = MIN_HEADER_BYTES + 64;

const MIN_HEADER_BYTES: usize = 38;
const VERSION: u8 = 1;
const ZIREN: u8 = 1;
const SP1: u8 = 2;
const RISC_ZERO: u8 = 3;
const NO_STATEMENT: u32 = u32::MAX;
