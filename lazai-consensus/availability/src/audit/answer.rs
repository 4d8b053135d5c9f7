use alloc::vec::Vec;

use super::AuditPlan;
use crate::{DatasetCommitment, MAX_OPENING_BYTES, Opening, OpeningError, Place, verify_opening};

/// What a member answers: for each leaf that it is asked for its opening, or nothing.
///
/// # Encoding
/// For each leaf in the order of the plan: one byte 0 if there is none, or 1 and the encoded
/// [`Opening`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AuditAnswer {
    /// In the order of the plan.
    pub openings: Vec<Option<Opening>>,
}

impl AuditAnswer {
    /// Answers `plan` with what `open` finds.
    pub fn collect(
        plan: &AuditPlan,
        mut open: impl FnMut(&DatasetCommitment, Place) -> Option<Opening>,
    ) -> Self {
        let challenges = plan.challenges().iter();
        let openings = challenges.map(|(commitment, place)| open(commitment, *place)).collect();
        Self { openings }
    }

    /// Checks each opening.
    ///
    /// # Errors
    /// All failures, with the places of their questions in the plan, ascending; at least one.
    pub fn check(&self, plan: &AuditPlan) -> Result<(), Vec<(u16, AuditFailure)>> {
        let openings = self.openings.iter().map(Option::as_ref);
        // An answer that is too short answers the rest with nothing.
        let openings = openings.chain(core::iter::repeat(None));
        let failures: Vec<_> = (0_u16..)
            .zip(plan.challenges().iter().zip(openings))
            .filter_map(|(index, ((commitment, asked), opening))| {
                Some((index, failure(commitment, *asked, opening)?))
            })
            .collect();
        if failures.is_empty() { Ok(()) } else { Err(failures) }
    }

    /// The canonical bytes; see the type.
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

    /// Reads what [`encode`](Self::encode) wrote, as an answer to `plan`. Nothing is hashed.
    ///
    /// # Errors
    /// [`AnswerError`] if the bytes are too few or too many, or are not what they should be.
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

/// Why a leaf is not shown.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AuditFailure {
    /// There is no answer.
    #[error("the leaf is not shown")]
    Missing,
    /// The opening is not true.
    #[error(transparent)]
    Opening(OpeningError),
    /// The opening is of another leaf.
    #[error("asked for {asked:?}, got {got:?}")]
    WrongPlace {
        /// The leaf asked for.
        asked: Place,
        /// The leaf given.
        got: Place,
    },
}

/// Why bytes are no answer.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AnswerError {
    /// Neither absent nor present.
    #[error("an opening is marked by 0 or 1, got {got}")]
    Mark {
        /// The mark.
        got: u8,
    },
    /// An opening is malformed.
    #[error(transparent)]
    Opening(#[from] OpeningError),
    /// The bytes go on.
    #[error("{count} bytes follow the last opening")]
    TooLong {
        /// Bytes too many.
        count: u64,
    },
    /// The bytes end before the plan.
    #[error("the answer ends before the plan")]
    TooShort,
}

/// Most bytes of an encoded answer.
pub const MAX_ANSWER_BYTES: usize = super::MAX_CHALLENGES as usize * (1 + MAX_OPENING_BYTES);

const ABSENT: u8 = 0;
const PRESENT: u8 = 1;
