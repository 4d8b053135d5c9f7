use alloy_primitives::B256;
use bytes::BufMut;
use commonware_codec::{Buf, EncodeSize, Error, RangeCfg, Read, Write};
use commonware_consensus::{
    BoundedBlock, CertifiableBlock, Heightable,
    simplex::types::Context,
    types::{Epoch, Height, Round, View},
};
use commonware_cryptography::{Digested, Digestible};
use lazai_api_types::chain::{Block, MAX_BLOCK_BYTES};

use crate::engine::{Digest, Identity, directory::Directory};

/// A block as the engine handles it, with the directory in which the identities of proposers are
/// looked up.
#[derive(Clone, Debug)]
pub(crate) struct ChainBlock {
    pub(crate) block: Block,
    directory: Directory,
}

impl ChainBlock {
    pub(super) fn new(block: Block, directory: Directory) -> Digested<Self> {
        let digest = to_digest(block.digest());
        Digested::precomputed(Self { block, directory }, digest)
    }
}

pub(crate) fn to_digest(digest: B256) -> Digest {
    Digest::from(digest.0)
}

pub(crate) fn to_b256(digest: &Digest) -> B256 {
    // Both are 32 bytes.
    B256::try_from(digest.as_ref()).unwrap_or_default()
}

impl Digestible for ChainBlock {
    type Digest = Digest;

    fn digest(&self) -> Digest {
        to_digest(self.block.digest())
    }
}

impl Heightable for ChainBlock {
    fn height(&self) -> Height {
        Height::new(self.block.height)
    }
}

impl commonware_consensus::Block for ChainBlock {
    fn parent(&self) -> Digest {
        to_digest(self.block.parent)
    }
}

impl CertifiableBlock for ChainBlock {
    type Context = Context<Digest, Identity>;

    fn context(&self) -> Self::Context {
        let Block { epoch, view, parent_view, proposer, parent, .. } = &self.block;
        Context {
            round: Round::new(Epoch::new(*epoch), View::new(*view)),
            // A seat that does not exist becomes an identity that never leads, so the block fits no
            // view.
            leader: self.directory.identity(*epoch, *proposer),
            parent: (View::new(*parent_view), to_digest(*parent)),
        }
    }
}

// A block is its canonical bytes with their length in front.
impl Write for ChainBlock {
    fn write(&self, buffer: &mut impl BufMut) {
        self.block.encode().write(buffer);
    }
}

impl EncodeSize for ChainBlock {
    fn encode_size(&self) -> usize {
        let header = MAX_BLOCK_BYTES.saturating_sub(lazai_api_types::chain::MAX_PAYLOAD_BYTES);
        let bytes = header.saturating_add(self.block.payload.len());
        bytes.encode_size().saturating_add(bytes)
    }
}

impl Read for ChainBlock {
    type Cfg = Directory;

    fn read_cfg(buffer: &mut impl Buf, directory: &Directory) -> Result<Self, Error> {
        let bytes = Vec::<u8>::read_cfg(buffer, &(RangeCfg::from(..=MAX_BLOCK_BYTES), ()))?;
        let block =
            Block::decode(&bytes).map_err(|error| Error::Wrapped("block", Box::new(error)))?;
        Ok(Self { block, directory: directory.clone() })
    }
}

impl BoundedBlock for ChainBlock {
    fn max_encode_size(_: &Directory) -> usize {
        MAX_BLOCK_BYTES.encode_size().saturating_add(MAX_BLOCK_BYTES)
    }
}
