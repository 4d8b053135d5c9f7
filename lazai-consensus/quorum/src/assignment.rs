use alloc::vec::Vec;

use alloy_primitives::Address;
use lazai_availability::{Assignment, Coding, Manifest};
use lazai_consensus::{Committee, chain::seats};

/// Returns which member holds which shards of a dataset of this coding; `None` if the weights
/// cannot share its seats. Seats are shared by weight by the method of D'Hondt, which gives each
/// unit of weight one seat where there are as many seats as weight.
pub(super) fn assignment(committee: &Committee, coding: Coding) -> Option<Assignment> {
    let weights: Vec<_> = committee.members().iter().map(|member| member.weight).collect();
    let shares = seats(&weights, coding.n().into()).ok()?;
    Assignment::new(shares.into_iter().map(u64::from)).ok()
}

/// Returns whether an `Available` certificate of this coding means that the data is there:
/// whichever members certify, and whichever of them are dishonest, the other signers keep `k`
/// shards of each stripe.
///
/// Less than a third of the weight does not sign, and less than a third is dishonest. What each of
/// these can hold is bounded from above by filling its weight with the members that have the most
/// seats for theirs. Where each unit of weight has a seat it holds; see [`Assignment`].
pub(super) fn is_sound(committee: &Committee, coding: Coding) -> bool {
    let weights: Vec<_> = committee.members().iter().map(|member| member.weight).collect();
    let Ok(shares) = seats(&weights, coding.n().into()) else { return false };
    let mut members: Vec<_> = weights.into_iter().zip(shares).collect();
    // By seats for each unit of weight, descending; products of 64 and 32 bits.
    members.sort_by(|(weight, seats), (other_weight, other_seats)| {
        let (left, right) = (u128::from(*seats), u128::from(*other_seats));
        right.saturating_mul((*weight).into()).cmp(&left.saturating_mul((*other_weight).into()))
    });
    let most = |weight: u64| {
        let (mut left, mut held) = (weight, 0_u64);
        for (weight, seats) in &members {
            if *weight > left {
                // Of the first that does not fit a part, rounded down, as shards are whole.
                let part = u128::from(*seats).saturating_mul(left.into());
                let part = part.checked_div((*weight).into()).unwrap_or_default();
                return held.saturating_add(u64::try_from(part).unwrap_or(u64::MAX));
            }
            left = left.saturating_sub(*weight);
            held = held.saturating_add((*seats).into());
        }
        held
    };
    let third = committee.total_weight().saturating_sub(committee.threshold());
    let gone = most(third).saturating_mul(2).min(most(third.saturating_mul(2)));
    u64::from(coding.n()).saturating_sub(gone) >= u64::from(coding.k())
}

/// Returns the place of a member in its committee, as an [`Assignment`] counts.
pub(super) fn place(committee: &Committee, member: Address) -> Option<u16> {
    committee.index_of(member).and_then(|index| u16::try_from(index).ok())
}

/// Returns the bytes of the shards of a dataset that fall to a member.
pub(super) fn stored_bytes(
    committee: &Committee,
    member: Address,
    manifest: &Manifest,
) -> Option<u64> {
    let (commitment, place) = (manifest.commitment(), place(committee, member)?);
    let seats = assignment(committee, commitment.coding())?.seats(place).count() as u64;
    let shards = seats.saturating_mul(commitment.stripes().into());
    Some((commitment.shard_bytes(0) as u64).saturating_mul(shards))
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use alloc::vec;

    use alloy_primitives::B256;
    use lazai_consensus::{Candidate, Epoch, QuorumId, bls::SecretKey};

    use super::*;

    fn committee(weights: &[u64]) -> Committee {
        let candidate = |(index, weight): (usize, &u64)| {
            let byte = u8::try_from(index).unwrap();
            let secret = SecretKey::from_seed(&[byte + 1; 32]).unwrap();
            let address = Address::repeat_byte(byte);
            let possession = secret.prove_possession(address);
            Candidate { address, weight: *weight, key: secret.public_key(), possession }
        };
        let candidates = weights.iter().enumerate().map(candidate).collect();
        Committee::new(QuorumId(B256::ZERO), Epoch(0), candidates).unwrap()
    }

    /// The fewest shards that signers who do not lie hold, over all signers and all liars.
    fn fewest(committee: &Committee, shares: &[u32]) -> u32 {
        let sum = |set: u32, of: &dyn Fn(usize) -> u64| -> u64 {
            (0..shares.len()).filter(|member| set >> member & 1 == 1).map(of).sum()
        };
        let weight = |set| sum(set, &|member| committee.members()[member].weight);
        let (total, all) = (committee.total_weight(), 0..1_u32 << shares.len());
        let mut least = u32::MAX;
        for signers in all.clone().filter(|set| weight(*set) >= committee.threshold()) {
            for liars in all.clone().filter(|set| 3 * weight(*set) < total) {
                let held = sum(signers & !liars, &|member| shares[member].into());
                least = least.min(u32::try_from(held).unwrap());
            }
        }
        least
    }

    #[test]
    fn sound_codings_leave_enough_shards_with_those_who_do_not_lie() {
        let (mut sound, mut unsound) = (0, 0);
        for weights in [
            vec![1; 4],
            vec![10; 4],
            vec![1; 7],
            vec![3, 3, 3, 1],
            vec![5, 4, 3, 2, 1],
            vec![100, 1, 1, 1],
            vec![9, 7, 7, 4, 2, 1],
        ] {
            let committee = committee(&weights);
            for n in 1..=40 {
                let coding = Coding::new(n).unwrap();
                let shares = seats(&weights, n.into()).unwrap();
                if is_sound(&committee, coding) {
                    assert!(fewest(&committee, &shares) >= coding.k().into(), "{weights:?} {n}");
                    sound += 1;
                } else {
                    unsound += 1;
                }
            }
            // A shard for each unit of weight is always enough.
            let total = u16::try_from(committee.total_weight()).unwrap();
            assert!(is_sound(&committee, Coding::new(total).unwrap()), "{weights:?}");
        }
        assert!(sound > 200 && unsound > 10, "{sound} {unsound}");
        assert!(fewest(&committee(&[3, 3, 3, 1]), &seats(&[3, 3, 3, 1], 4).unwrap()) < 2);
    }
}
