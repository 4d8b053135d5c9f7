use alloy_consensus::Header;
use alloy_primitives::B256;
use thiserror::Error;

use crate::{ChainSpec, HeaderError, check_header};

/// A block before another one.
#[derive(Clone, Debug)]
pub struct Ancestor {
    /// Its header.
    pub header: Header,
    /// Its hash.
    pub hash: B256,
    /// The hashes of its ommers.
    pub ommers: Vec<B256>,
}

/// Why an ommer is invalid.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum OmmerError {
    /// There are more than two, or any at all since the blocks are no more of work.
    #[error("{got} ommers, of which there may be {max}")]
    Count {
        /// Most ommers of a block.
        max: usize,
        /// Ommers of this one.
        got: usize,
    },
    /// Its header breaks a rule.
    #[error("{hash}: {error}")]
    Header {
        /// The ommer.
        hash: B256,
        /// The rule.
        error: Box<HeaderError>,
    },
    /// It is an ancestor, or an ommer of this block or of an ancestor already.
    #[error("{hash} is known already")]
    Known {
        /// The ommer.
        hash: B256,
    },
    /// It is no child of one of the last ancestors, or a child of the parent.
    #[error("{hash} is no child of the ancestors two to seven blocks back")]
    Relation {
        /// The ommer.
        hash: B256,
    },
}

/// Checks the ommers of a block of proof of work, whose last seven `ancestors` are given from its
/// parent on, or all if it has fewer.
///
/// # Errors
/// [`OmmerError`] for the first rule that one breaks.
pub fn check_ommers(
    spec: &ChainSpec,
    header: &Header,
    ommers: &[Header],
    ancestors: &[Ancestor],
) -> Result<(), OmmerError> {
    let max = if spec.is_work(header.number) { MAX_OMMERS } else { 0 };
    if ommers.len() > max {
        return Err(OmmerError::Count { max, got: ommers.len() });
    }
    let ancestors = &ancestors[..ancestors.len().min(GENERATIONS)];
    let mut known: Vec<B256> = Vec::new();
    for ancestor in ancestors {
        known.push(ancestor.hash);
        known.extend(&ancestor.ommers);
    }
    for ommer in ommers {
        let hash = ommer.hash_slow();
        if known.contains(&hash) {
            return Err(OmmerError::Known { hash });
        }
        let parent = ancestors.iter().skip(1).find(|ancestor| ancestor.hash == ommer.parent_hash);
        let Some(parent) = parent else { return Err(OmmerError::Relation { hash }) };
        check_header(spec, ommer, &parent.header, parent.hash)
            .map_err(|error| OmmerError::Header { hash, error: Box::new(error) })?;
        known.push(hash);
    }
    Ok(())
}

/// Most ommers of a block.
const MAX_OMMERS: usize = 2;

/// How many generations back the parent of an ommer may be.
const GENERATIONS: usize = 7;
