use alloc::vec::Vec;

use super::AuditPlan;
use crate::{DatasetCommitment, MAX_OPENING_BYTES, Opening, OpeningError, Place, verify_opening};

/// A member's answer to an audit: for each leaf of the plan its opening, or nothing.
///
/// # Encoding
/// For each leaf in the order of the plan: one byte 0 if there is none, or 1 and the encoded
/// [`Opening`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditAnswer {
    /// The openings, in the order of the plan.
    pub openings: Vec<Option<Opening>>,
}

impl AuditAnswer {
    /// Answers `plan` with the openings that `open` returns.
    pub fn collect(
        plan: &AuditPlan,
        mut open: impl FnMut(&DatasetCommitment, Place) -> Option<Opening>,
    ) -> Self {
        let challenges = plan.challenges().iter();
        let openings = challenges.map(|(commitment, place)| open(commitment, *place)).collect();
        Self { openings }
    }

    /// Verifies each opening.
    ///
    /// # Errors
    /// All failures, each with the index of its challenge in the plan, ascending; at least one.
    pub fn check(&self, plan: &AuditPlan) -> Result<(), Vec<(u16, AuditFailure)>> {
        let openings = self.openings.iter().map(Option::as_ref);
        // An answer that is too short leaves the other challenges unanswered.
        let openings = openings.chain(core::iter::repeat(None));
        let failures: Vec<_> = (0_u16..)
            .zip(plan.challenges().iter().zip(openings))
            .filter_map(|(index, ((commitment, asked), opening))| {
                Some((index, failure(commitment, *asked, opening)?))
            })
            .collect();
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// Encodes the answer; the format is given at [`AuditAnswer`].
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for opening in &self.openings {
            match opening {
                None => bytes.push(ABSENT),
                Some(opening) => {
                    bytes.push(PRESENT);
                    bytes.extend(opening.encode());
                }
            }
        }
        bytes
    }

    /// Decodes the bytes of [`encode`](Self::encode) as an answer to `plan`. The openings are not
    /// verified; see [`check`](Self::check).
    ///
    /// # Errors
    /// [`AnswerError`] if the length is wrong or the bytes are malformed.
    pub fn decode(bytes: &[u8], plan: &AuditPlan) -> Result<Self, AnswerError> {
        let mut rest = bytes;
        let mut openings = Vec::new();
        for (commitment, _) in plan.challenges() {
            let (mark, after) = rest.split_first().ok_or(AnswerError::TooShort)?;
            match *mark {
                ABSENT => {
                    openings.push(None);
                    rest = after;
                }
                PRESENT => {
                    let (opening, after) = Opening::split(after, commitment)?;
                    openings.push(Some(opening));
                    rest = after;
                }
                got => return Err(AnswerError::Mark { got }),
            }
        }
        if !rest.is_empty() {
            return Err(AnswerError::TooLong { count: rest.len() as u64 });
        }
        Ok(Self { openings })
    }
}

fn failure(
    commitment: &DatasetCommitment,
    asked: Place,
    opening: Option<&Opening>,
) -> Option<AuditFailure> {
    let Some(opening) = opening else { return Some(AuditFailure::Missing) };
    if opening.place() != asked {
        return Some(AuditFailure::WrongPlace { asked, got: opening.place() });
    }
    verify_opening(commitment, opening).err().map(AuditFailure::Opening)
}

/// The failure of a member to answer one challenge.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuditFailure {
    /// No opening was given.
    #[error("the leaf is not shown")]
    Missing,
    /// The opening does not verify.
    #[error(transparent)]
    Opening(OpeningError),
    /// The opening belongs to another leaf.
    #[error("asked for {asked:?}, got {got:?}")]
    WrongPlace {
        /// Position of the challenged leaf.
        asked: Place,
        /// Position of the opened leaf.
        got: Place,
    },
}

/// An encoded answer is malformed.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AnswerError {
    /// The byte that marks an opening as absent or present is neither 0 nor 1.
    #[error("an opening is marked by 0 or 1, got {got}")]
    Mark {
        /// Value of the byte.
        got: u8,
    },
    /// An opening is malformed.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// Bytes follow the last opening.
    #[error("{count} bytes follow the last opening")]
    TooLong {
        /// Number of extra bytes.
        count: u64,
    },
    /// The bytes end before the last challenge of the plan.
    #[error("the answer ends before the plan")]
    TooShort,
}

/// Maximum size of an encoded answer in bytes.
pub const MAX_ANSWER_BYTES: usize = super::MAX_CHALLENGES as usize * (1 + MAX_OPENING_BYTES);

const ABSENT: u8 = 0;
const PRESENT: u8 = 1;
