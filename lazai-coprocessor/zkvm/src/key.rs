use alloy_primitives::B256;
use lazai_api_types::codec::{DecodeError, Reader};

use crate::KeyError;

/// The zkVM whose program is proved, with the public inputs of its circuit that name a release.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ZkVm {
    /// RISC Zero.
    RiscZero {
        /// The root of the control ids of its recursion programs, which names the release.
        control_root: B256,
        /// The control id of the recursion program whose proof is wrapped in bn254, in the byte
        /// order of RISC Zero's own digests.
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

/// A verifying key as it is registered: which program, how its proofs are read, and the key of the
/// circuit.
///
/// ```
/// use alloy_primitives::B256;
/// use lazai_zkvm::ZkvmKey;
///
/// let key = ZkvmKey::ziren(B256::repeat_byte(1), vec![0; 396]).with_statement_at(32);
/// assert_eq!(ZkvmKey::parse(&key.encode())?, key);
/// # Ok::<(), lazai_zkvm::KeyError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ZkvmKey {
    zkvm: ZkVm,
    program: B256,
    statement_offset: Option<u32>,
    verifying_key: Vec<u8>,
}

impl ZkvmKey {
    /// Creates the key of a program of RISC Zero, named by its image id.
    ///
    /// `verifying_key` has the encoding of `docs/proofs.md`, since RISC Zero publishes numbers and
    /// no bytes.
    #[must_use]
    pub const fn risc_zero(
        image_id: B256,
        control_root: B256,
        control_id: B256,
        verifying_key: Vec<u8>,
    ) -> Self {
        Self::new(ZkVm::RiscZero { control_root, control_id }, image_id, verifying_key)
    }

    /// Creates the key of a program of SP1, named by the hash of its own key, for the release that
    /// `vk_root` names.
    #[must_use]
    pub const fn sp1(program: B256, vk_root: B256, verifying_key: Vec<u8>) -> Self {
        Self::new(ZkVm::Sp1 { vk_root }, program, verifying_key)
    }

    /// Creates the key of a program of Ziren, named by the first public input of its circuit: the
    /// hash of the program's own key, or in `imm` mode the Poseidon2 hash of that and of the
    /// release's STARK key.
    #[must_use]
    pub const fn ziren(program: B256, verifying_key: Vec<u8>) -> Self {
        Self::new(ZkVm::Ziren, program, verifying_key)
    }

    const fn new(zkvm: ZkVm, program: B256, verifying_key: Vec<u8>) -> Self {
        Self { zkvm, program, statement_offset: None, verifying_key }
    }

    /// Declares that the program commits the hash of a statement at byte `offset` of its public
    /// values. Without it no proof under the key shows a statement.
    ///
    /// Set it only for a program that runs the model itself: one that copies its input to that
    /// place shows whatever its prover likes. An `offset` of `u32::MAX` means none.
    #[must_use]
    pub const fn with_statement_at(mut self, offset: u32) -> Self {
        self.statement_offset = if offset == NO_STATEMENT { None } else { Some(offset) };
        self
    }

    /// Returns the zkVM.
    #[must_use]
    pub const fn zkvm(&self) -> &ZkVm {
        &self.zkvm
    }

    /// Returns the name of the program.
    #[must_use]
    pub const fn program(&self) -> B256 {
        self.program
    }

    /// Returns the offset of the statement's hash in the public values, if the program shows
    /// statements.
    #[must_use]
    pub const fn statement_offset(&self) -> Option<u32> {
        self.statement_offset
    }

    /// Returns the verifying key of the circuit, in the encoding of its system.
    #[must_use]
    pub fn verifying_key(&self) -> &[u8] {
        &self.verifying_key
    }

    /// Encodes the bytes that are registered:
    /// `version ‖ zkVM ‖ program ‖ statement offset ‖ parameters of the zkVM ‖ key of the circuit`.
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

    /// Decodes a key. The key of the circuit is whatever follows the header; the verifier checks
    /// it.
    ///
    /// # Errors
    /// [`KeyError::Size`] if the header is cut, [`KeyError::Version`] and [`KeyError::ZkVm`] if its
    /// version or zkVM is unknown.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        let cut = |_: DecodeError| KeyError::Size {
            part: "the header of the key",
            expected: MIN_HEADER_BYTES as u64,
            got: bytes.len() as u64,
        };
        let mut reader = Reader::new(bytes);
        let [version, zkvm] = reader.array().map_err(cut)?;
        if version != VERSION {
            return Err(KeyError::Version { expected: VERSION, got: version });
        }
        let program = reader.hash().map_err(cut)?;
        let offset = reader.u32().map_err(cut)?;
        let zkvm = match zkvm {
            ZIREN => ZkVm::Ziren,
            SP1 => ZkVm::Sp1 { vk_root: reader.hash().map_err(cut)? },
            RISC_ZERO => ZkVm::RiscZero {
                control_root: reader.hash().map_err(cut)?,
                control_id: reader.hash().map_err(cut)?,
            },
            got => return Err(KeyError::ZkVm { got }),
        };
        Ok(Self::new(zkvm, program, reader.rest().to_vec()).with_statement_at(offset))
    }
}

/// Size of the largest header.
pub(crate) const MAX_HEADER_BYTES: usize = MIN_HEADER_BYTES + 64;

const MIN_HEADER_BYTES: usize = 38;
const VERSION: u8 = 1;
const ZIREN: u8 = 1;
const SP1: u8 = 2;
const RISC_ZERO: u8 = 3;
const NO_STATEMENT: u32 = u32::MAX;
