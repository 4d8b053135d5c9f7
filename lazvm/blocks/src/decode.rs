use alloy_consensus::{
    Block as AlloyBlock, EthereumTxEnvelope, TxEip4844, TxEnvelope, transaction::SignerRecoverable,
};
use alloy_primitives::Sealed;

use crate::{BlockError, block::Block};

/// Most bytes of a block that is decoded: those of EIP-7934 and the room that it keeps free.
pub const MAX_BLOCK_BYTES: usize = 10 << 20;

/// Decodes a block, which names its own hash, from RLP. Its transactions have no blobs beside them.
///
/// # Errors
/// [`BlockError::Size`] beyond [`MAX_BLOCK_BYTES`], [`BlockError::Decoding`] if the bytes are no
/// block, or have some behind it.
pub fn decode_block(mut bytes: &[u8]) -> Result<Sealed<Block>, BlockError> {
    let (got, max) = (bytes.len(), MAX_BLOCK_BYTES);
    if got > max {
        return Err(BlockError::Size { max, got });
    }
    let block = AlloyBlock::<EthereumTxEnvelope<TxEip4844>>::decode_sealed(&mut bytes);
    let (block, hash) = block.map_err(BlockError::Decoding)?.into_parts();
    if !bytes.is_empty() {
        return Err(BlockError::Decoding(alloy_rlp::Error::UnexpectedLength));
    }
    let block = block.map_transactions(TxEnvelope::from);
    Ok(Sealed::new_unchecked(block, hash))
}

/// Recovers the sender of a transaction. Before Homestead, signatures had two forms (EIP-2).
pub(crate) fn sender(
    transaction: &TxEnvelope,
    is_strict: bool,
) -> Option<alloy_primitives::Address> {
    if is_strict {
        transaction.recover_signer().ok()
    } else {
        transaction.recover_signer_unchecked().ok()
    }
}
