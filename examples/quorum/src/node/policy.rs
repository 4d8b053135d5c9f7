use alloy_primitives::{B256, keccak256};
use lazai_quorum::{DataPolicy, DataView, Verdict};

/// The scoring policy of the example: the share of lines that hold only integers, in thousandths.
///
/// Datasets that are not UTF-8 or score below 900 are rejected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NumericLinesPolicy;

impl DataPolicy for NumericLinesPolicy {
    fn id(&self) -> B256 {
        policy_id()
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

/// Returns the id of the policy.
pub(crate) fn policy_id() -> B256 {
    keccak256("lazvm/example-policy/lines of numbers/1")
}
