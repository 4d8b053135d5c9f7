use core::fmt;

use alloy_primitives::B256;

/// What an engine makes of a transaction or a block.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is valid, and the state behind it has this root.
    Accepted {
        /// The root.
        root: B256,
        /// The hash of the logs of a transaction, or that of a block.
        digest: B256,
    },
    /// It is invalid.
    Refused {
        /// Why, in words that may differ between engines.
        why: String,
    },
}

impl Verdict {
    pub(crate) fn refused(why: impl fmt::Display) -> Self {
        Self::Refused { why: why.to_string() }
    }
}

/// The reasons of two refusals need not be the same.
impl PartialEq for Verdict {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Accepted { root, digest },
                Self::Accepted { root: other_root, digest: other_digest },
            ) => root == other_root && digest == other_digest,
            (Self::Refused { .. }, Self::Refused { .. }) => true,
            _ => false,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted { root, .. } => write!(f, "accepted with the root {root}"),
            Self::Refused { why } => write!(f, "refused: {why}"),
        }
    }
}
