use alloy_primitives::{B256, keccak256};
use lazai_quorum::{DataPolicy, DataView, Verdict};

/// The policy of the example: a data set is text in lines of numbers, and its grade is how many of a thousand lines are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grading;

impl DataPolicy for Grading {
    fn id(&self) -> B256 {
        policy()
    }

    fn judge(&self, data: &DataView<'_>) -> Verdict {
        let Ok(text) = core::str::from_utf8(data.bytes) else { return Verdict::Reject };
        let is_row = |line: &&str| line.split(',').all(|cell| cell.trim().parse::<i64>().is_ok());
        let (lines, rows) = (text.lines().count(), text.lines().filter(is_row).count());
        let score = (rows * 1_000).checked_div(lines).and_then(|score| u16::try_from(score).ok());
        score
            .filter(|score| *score >= 900)
            .map_or(Verdict::Reject, |score| Verdict::Accept { score })
    }
}

/// The name of the policy.
#[must_use]
pub fn policy() -> B256 {
    keccak256("lazvm/example-policy/lines of numbers/1")
}
