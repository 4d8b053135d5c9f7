//! Attestations and votes as bytes.

use alloy_primitives::{Address, B256};
use lazai_api_types::{InferenceStatement, ModelId, Work};
use lazai_consensus::{Attestation, Epoch, Fact, MAX_ATTESTATION_BYTES, QuorumId, Vote};
use proptest::prelude::*;

use crate::support::{checkpoint, committee, vote};

prop_compose! {
    fn hash()(bytes in any::<[u8; 32]>()) -> B256 {
        B256::new(bytes)
    }
}

fn fact() -> impl Strategy<Value = Fact> {
    let hashes = || prop::array::uniform4(hash());
    prop_oneof![
        (hashes(), any::<([u64; 3], u16, u16)>()).prop_map(
            |([dataset, root, ..], (words, k, n))| {
                let [version, bytes, until] = words;
                Fact::Available { dataset, version, root, bytes, k, n, until_epoch: Epoch(until) }
            }
        ),
        (hashes(), any::<(u64, u16)>()).prop_map(
            |([dataset, root, policy, _], (version, score))| {
                Fact::Valid { dataset, version, root, policy, score }
            }
        ),
        (hashes(), any::<[u64; 2]>()).prop_map(|([model, input, output, context], words)| {
            let work = Work { flops: words[0], peak_bytes: words[1] };
            Fact::Workflow {
                run: InferenceStatement { model: ModelId(model), input, output, work, context },
            }
        }),
        (hashes(), any::<u16>()).prop_map(|([beacon, passed, failed, _], failed_count)| {
            Fact::Audit { beacon, passed, failed, failed_count }
        }),
        hash().prop_map(|root| Fact::Inconsistent { root }),
        any::<u64>().prop_map(|next| Fact::EpochSyncDone { next: Epoch(next) }),
        (any::<u64>(), hash())
            .prop_map(|(next, committee)| Fact::HandOver { next: Epoch(next), committee }),
        (any::<(u64, u32, [u8; 20])>(), hash()).prop_map(|((epoch, seat, operator), key)| {
            let (chain_epoch, operator) = (Epoch(epoch), Address::new(operator));
            Fact::SeatNomination { chain_epoch, seat, operator, key }
        }),
        (any::<u64>(), hash())
            .prop_map(|(height, state_root)| Fact::Checkpoint { height, state_root }),
        (hash(), any::<bool>())
            .prop_map(|(proposal, approved)| Fact::Decision { proposal, approved }),
    ]
}

fn any_attestation() -> impl Strategy<Value = Attestation> {
    (hash(), any::<u64>(), fact()).prop_map(|(quorum, epoch, fact)| Attestation {
        quorum: QuorumId(quorum),
        epoch: Epoch(epoch),
        fact,
    })
}

proptest! {
    #[test]
    fn an_attestation_comes_back(attestation in any_attestation()) {
        let bytes = attestation.encode();
        prop_assert!(bytes.len() <= MAX_ATTESTATION_BYTES);
        prop_assert_eq!(Attestation::decode(&bytes), Ok(attestation));
        for length in 0..bytes.len() {
            prop_assert!(Attestation::decode(&bytes[..length]).is_err());
        }
        let longer = [&bytes[..], &[0]].concat();
        prop_assert!(Attestation::decode(&longer).is_err());
    }

    #[test]
    fn what_is_read_is_canonical(kind in 0_u8..13, rest in prop::collection::vec(any::<u8>(), 0..220)) {
        let mut bytes = vec![0; 42];
        bytes[0] = 1;
        bytes[41] = kind;
        bytes.extend(rest);
        if let Ok(attestation) = Attestation::decode(&bytes) {
            prop_assert_eq!(attestation.encode(), bytes);
        }
    }

    #[test]
    fn different_attestations_have_different_hashes(one in any_attestation(), other in any_attestation()) {
        prop_assert_eq!(one == other, one.hash() == other.hash());
        prop_assert_eq!(one.slot() == other.slot(), one.slot().hash() == other.slot().hash());
    }
}

#[test]
fn contradictions_share_a_slot() {
    let slot = |fact| crate::support::attestation(fact).slot();
    let available = |version, root: u8, n| Fact::Available {
        dataset: B256::repeat_byte(1),
        version,
        root: B256::repeat_byte(root),
        bytes: 5,
        k: 2,
        n,
        until_epoch: Epoch(9),
    };
    assert_eq!(slot(available(1, 1, 4)), slot(available(1, 2, 7)));
    assert_ne!(slot(available(1, 1, 4)), slot(available(2, 1, 4)));
    let decision = |approved| Fact::Decision { proposal: B256::repeat_byte(1), approved };
    assert_eq!(slot(decision(true)), slot(decision(false)));
    let run = |input: u8, output: u8| Fact::Workflow {
        run: InferenceStatement {
            model: ModelId(B256::ZERO),
            input: B256::repeat_byte(input),
            output: B256::repeat_byte(output),
            work: Work::default(),
            context: B256::ZERO,
        },
    };
    assert_eq!(slot(run(1, 1)), slot(run(1, 2)));
    assert_ne!(slot(run(1, 1)), slot(run(2, 1)));
}

#[test]
fn a_vote_is_canonical() {
    let cast = vote(0, checkpoint(1, 1), &committee(&[1]));
    let bytes = cast.encode();
    assert_eq!(Vote::decode(&bytes), Ok(cast));
    for length in 0..bytes.len() {
        assert!(Vote::decode(&bytes[..length]).is_err());
    }
    assert!(Vote::decode(&[&bytes[..], &[0]].concat()).is_err());
    // The point at infinity, which signs everything for a key that is none.
    let mut infinity = bytes;
    infinity[21..69].fill(0);
    infinity[21] = 0xc0;
    assert!(Vote::decode(&infinity).is_err());
}
