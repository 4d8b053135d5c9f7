use alloc::vec::Vec;

use alloy_primitives::B256;

/// A vote of a seat in a view of an epoch. The signed bytes are fixed here, so that certificates
/// and evidence can be verified with any BLS12-381 library.
///
/// Signed bytes: `varint(len(namespace)) ‖ namespace ‖ message`, hashed to G1 under the message
/// suite of `BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_`. The namespace is
/// `"lazvm/chain/1/" ‖ genesis digest ‖ suffix`, where the suffix is `_NOTARIZE`, `_NULLIFY` or
/// `_FINALIZE`. The message of a nullification is `varint(epoch) ‖ varint(view)`; of the others
/// `varint(epoch) ‖ varint(view) ‖ varint(parent view) ‖ digest`. A varint has 7 bits a byte, the
/// lowest first, and the highest bit set on all but the last byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChainVote {
    /// The proposal should be final.
    Finalize(Proposal),
    /// The proposal came in time and fits the chain.
    Notarize(Proposal),
    /// Nothing of the view should be final.
    Nullify {
        /// The epoch of the view.
        epoch: u64,
        /// The number of the view in its epoch.
        view: u64,
    },
}

impl ChainVote {
    /// Returns the epoch that the vote is about.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        match self {
            Self::Finalize(proposal) | Self::Notarize(proposal) => proposal.epoch,
            Self::Nullify { epoch, .. } => *epoch,
        }
    }

    /// Returns the view that the vote is about.
    #[must_use]
    pub const fn view(&self) -> u64 {
        match self {
            Self::Finalize(proposal) | Self::Notarize(proposal) => proposal.view,
            Self::Nullify { view, .. } => *view,
        }
    }

    /// Returns the bytes that a seat signs for this vote on the chain with this genesis digest.
    #[must_use]
    pub fn signed_bytes(&self, genesis: B256) -> Vec<u8> {
        let suffix: &[u8] = match self {
            Self::Finalize(_) => b"_FINALIZE",
            Self::Notarize(_) => b"_NOTARIZE",
            Self::Nullify { .. } => b"_NULLIFY",
        };
        let namespace = [&chain_namespace(genesis), suffix].concat();
        let mut bytes = Vec::with_capacity(160);
        put_varint(&mut bytes, namespace.len() as u64);
        bytes.extend_from_slice(&namespace);
        put_varint(&mut bytes, self.epoch());
        put_varint(&mut bytes, self.view());
        if let Self::Finalize(proposal) | Self::Notarize(proposal) = self {
            put_varint(&mut bytes, proposal.parent_view);
            bytes.extend_from_slice(proposal.digest.as_slice());
        }
        bytes
    }

    /// Returns whether a seat that signs both votes breaks the protocol: two proposals notarized,
    /// or two finalized, in one view, or a view both nullified and finalized.
    #[must_use]
    pub fn conflicts_with(&self, other: &Self) -> bool {
        if (self.epoch(), self.view()) != (other.epoch(), other.view()) {
            return false;
        }
        match (self, other) {
            (Self::Finalize(a), Self::Finalize(b)) | (Self::Notarize(a), Self::Notarize(b)) => {
                a != b
            }
            (Self::Finalize(_), Self::Nullify { .. })
            | (Self::Nullify { .. }, Self::Finalize(_)) => true,
            _ => false,
        }
    }
}

/// A block that is proposed in a view.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Proposal {
    /// The epoch of the view.
    pub epoch: u64,
    /// The number of the view in its epoch.
    pub view: u64,
    /// The view of the parent; 0 if the parent is the last block of the epoch before.
    pub parent_view: u64,
    /// The digest of the block.
    pub digest: B256,
}

/// Returns the domain that separates the votes of one chain from those of any other.
#[must_use]
pub fn chain_namespace(genesis: B256) -> Vec<u8> {
    [b"lazvm/chain/1/", genesis.as_slice()].concat()
}

fn put_varint(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proposal(view: u64, parent_view: u64, digest: u8) -> Proposal {
        Proposal { epoch: 3, view, parent_view, digest: B256::repeat_byte(digest) }
    }

    #[test]
    fn signed_bytes_are_as_documented() {
        let genesis = B256::repeat_byte(0xaa);
        let mut expected = alloc::vec![14 + 32 + 9];
        expected.extend_from_slice(b"lazvm/chain/1/");
        expected.extend_from_slice(&[0xaa; 32]);
        expected.extend_from_slice(b"_FINALIZE");
        expected.extend_from_slice(&[3, 0xac, 0x02, 127]);
        expected.extend_from_slice(&[5; 32]);
        let vote = ChainVote::Finalize(proposal(300, 127, 5));
        assert_eq!(vote.signed_bytes(genesis), expected);
        let nullify = ChainVote::Nullify { epoch: 3, view: u64::MAX }.signed_bytes(genesis);
        assert_eq!(nullify[1 + 14 + 32..][..8], *b"_NULLIFY");
        assert_eq!(nullify[1 + 14 + 32 + 8..], [3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    }

    #[test]
    fn conflicts_are_what_the_protocol_forbids() {
        let (a, b) = (proposal(1, 0, 1), proposal(1, 0, 2));
        let nullify = ChainVote::Nullify { epoch: 3, view: 1 };
        assert!(ChainVote::Notarize(a).conflicts_with(&ChainVote::Notarize(b)));
        assert!(ChainVote::Finalize(a).conflicts_with(&ChainVote::Finalize(b)));
        assert!(ChainVote::Finalize(a).conflicts_with(&nullify));
        assert!(nullify.conflicts_with(&ChainVote::Finalize(a)));
        // An honest seat may notarize a proposal and nullify its view, or finalize what it has
        // notarized.
        assert!(!ChainVote::Notarize(a).conflicts_with(&nullify));
        assert!(!ChainVote::Notarize(a).conflicts_with(&ChainVote::Finalize(a)));
        assert!(!ChainVote::Notarize(a).conflicts_with(&ChainVote::Notarize(a)));
        let later = ChainVote::Notarize(proposal(2, 0, 2));
        assert!(!ChainVote::Notarize(a).conflicts_with(&later));
        assert!(!nullify.conflicts_with(&nullify));
    }
}
