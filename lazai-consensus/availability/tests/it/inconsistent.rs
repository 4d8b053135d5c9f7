use std::collections::BTreeMap;

use alloy_primitives::B256;
use lazai_availability::{
    DatasetCommitment, InconsistencyError, InconsistencyProof, LEAF_BYTES, Manifest, Opening,
    RestoreError, Shard, ShardError,
};
use lazai_consensus::merkle;
use proptest::prelude::*;

use crate::{Shards, coding, data, publish, restored};

/// Commits to the shards as they are, without checking that they form a codeword.
fn commit(length: u64, coding: lazai_availability::Coding, shards: &mut Shards) -> Manifest {
    let mut by_stripe: BTreeMap<u32, Vec<B256>> = BTreeMap::new();
    for ((stripe, _), shard) in shards.iter() {
        let leaves: Vec<_> = shard.bytes.chunks(LEAF_BYTES).map(merkle::leaf).collect();
        let root = merkle::root(&leaves);
        by_stripe.entry(*stripe).or_default().push(merkle::leaf(root.as_slice()));
    }
    for ((stripe, index), shard) in shards.iter_mut() {
        shard.path = merkle::path(&by_stripe[stripe], (*index).into()).unwrap();
    }
    let stripe_roots: Vec<_> = by_stripe.values().map(|leaves| merkle::root(leaves)).collect();
    let leaves: Vec<_> = stripe_roots.iter().map(|root| merkle::leaf(root.as_slice())).collect();
    let commitment = DatasetCommitment::new(length, coding, merkle::root(&leaves)).unwrap();
    Manifest::new(commitment, stripe_roots).unwrap()
}

#[test]
fn an_honest_publisher_commits_alike() {
    let coding = coding(7, 5_000);
    let (manifest, mut shards) = publish(&data(12_000, 1), coding);
    let honest = shards.clone();
    assert_eq!(commit(12_000, coding, &mut shards), manifest);
    assert_eq!(shards, honest);
}

/// All corruptions of a stripe of 3 leaves in each shard: (name, change of its shards).
fn corruptions(n: u16) -> Vec<(&'static str, Box<dyn Fn(&mut Shards)>)> {
    let flip = move |index: u16, byte: usize| {
        Box::new(move |shards: &mut Shards| {
            shards.get_mut(&(1, index)).unwrap().bytes.to_mut()[byte] ^= 1;
        }) as Box<dyn Fn(&mut Shards)>
    };
    vec![
        ("one bit of the data", flip(0, 5)),
        ("one bit of a code shard", flip(n - 1, 2_000)),
        (
            "two shards swapped",
            Box::new(move |shards| {
                let [first, second] = [0, n - 1].map(|index| shards[&(1, index)].bytes.clone());
                shards.get_mut(&(1, 0)).unwrap().bytes = second;
                shards.get_mut(&(1, n - 1)).unwrap().bytes = first;
            }),
        ),
        (
            "noise",
            Box::new(|shards| {
                for ((stripe, index), shard) in shards.iter_mut() {
                    if *stripe == 1 {
                        shard.bytes = data(shard.bytes.len(), u64::from(*index) + 77).into();
                    }
                }
            }),
        ),
    ]
}

#[test]
fn every_reader_of_a_wrong_stripe_gets_the_same_error() {
    for n in [4, 5, 7] {
        let coding = coding(n, 3 * 1_024 * u32::from((n - 1) / 3 + 1));
        let length = 3 * coding.stripe_bytes() as usize;
        for (name, wrong) in corruptions(n) {
            let mut shards = publish(&data(length, 5), coding).1;
            wrong(&mut shards);
            let manifest = commit(length as u64, coding, &mut shards);
            let root = manifest.root();
            // Every set of k and more shards.
            for chosen in 0_u32..1 << n {
                if chosen.count_ones() < coding.k().into() {
                    continue;
                }
                let mut had = shards.clone();
                had.retain(|(stripe, index), _| *stripe != 1 || chosen >> index & 1 == 1);
                let error = restored(&manifest, &mut had).unwrap_err();
                let RestoreError::Inconsistent { stripe: 1, proof } = error else {
                    panic!("{name}, {chosen:b} of {n}: {error}");
                };
                assert_eq!(
                    proof.verify(manifest.commitment()),
                    Ok(()),
                    "{name}, {chosen:b} of {n}"
                );
                let only_k = chosen.count_ones() == u32::from(coding.k());
                if only_k {
                    assert!(matches!(*proof, InconsistencyProof::Stripe { .. }), "{name}");
                }
                if chosen == (1 << n) - 1 {
                    assert!(matches!(*proof, InconsistencyProof::Leaves(_)), "{name}");
                }
                let encoded = proof.encode();
                let decoded = InconsistencyProof::decode(&encoded, manifest.commitment()).unwrap();
                assert_eq!(decoded, *proof);
                assert_eq!(decoded.hash(), proof.hash());
                assert_eq!(manifest.root(), root);
            }
        }
    }
}

#[test]
fn data_past_its_end_is_inconsistent() {
    let coding = coding(7, 9_000);
    // An honest code of 9,000 bytes, sold as that of 8,000 that happen to need as many leaves.
    let mut shards = publish(&data(9_000, 5), coding).1;
    let manifest = commit(8_000, coding, &mut shards);
    for kept in 0..=4 {
        let mut had = shards.clone();
        had.retain(|(_, index), _| (kept..kept + 3).contains(index));
        let error = restored(&manifest, &mut had).unwrap_err();
        let RestoreError::Inconsistent { stripe: 0, proof } = error else { panic!("{error}") };
        let InconsistencyProof::Leaves(openings) = &*proof else { panic!("{proof:?}") };
        assert_eq!(openings.len(), 3);
        assert_eq!(proof.verify(manifest.commitment()), Ok(()));
    }
    // The same in the long form.
    let shards: Vec<_> = (0..3).map(|index| shards[&(0, index)].clone()).collect();
    let verify = |stripe_path, shards| {
        InconsistencyProof::Stripe { stripe_path, shards }.verify(manifest.commitment())
    };
    assert_eq!(verify(vec![], shards.clone()), Ok(()));
    // And forms of it that are not canonical, or of another stripe.
    let longer = verify(vec![B256::ZERO], shards.clone());
    assert_eq!(longer, Err(InconsistencyError::StripePath { stripe: 0 }));
    let few = verify(vec![], shards[..2].to_vec());
    assert_eq!(few, Err(InconsistencyError::Count { least: 3, most: 3, got: 2 }));
    let order = [1, 0, 2].map(|place| shards[place].clone()).to_vec();
    assert_eq!(verify(vec![], order), Err(InconsistencyError::Order));
    let mut changed = shards.clone();
    changed[1].bytes.to_mut()[0] ^= 1;
    let wrong = ShardError::WrongRoot { stripe: 0, index: 1 };
    assert_eq!(verify(vec![], changed), Err(InconsistencyError::Shard(wrong)));
    let foreign = publish(&data(9_000, 6), coding).1;
    let foreign = (0..3).map(|index| foreign[&(0, index)].clone()).collect();
    let wrong = InconsistencyError::StripePath { stripe: 0 };
    assert_eq!(verify(vec![], foreign), Err(wrong));
}

/// Returns all false proofs about an honest dataset.
fn false_proofs(manifest: &Manifest, shards: &Shards) -> Vec<InconsistencyProof> {
    let coding = manifest.commitment().coding();
    let mut false_proofs = Vec::new();
    for stripe in 0..manifest.commitment().stripes() {
        let of_stripe = |from: u16, count: u16| {
            (from..from + count).map(move |index| &shards[&(stripe, index)])
        };
        for count in [coding.k(), coding.k() + 1] {
            for from in 0..=coding.n() - count {
                for leaf in 0..manifest.commitment().leaves(stripe) {
                    let open = |shard: &Shard<'static>| {
                        shard.borrowed().verify(manifest).unwrap().open(manifest, leaf).unwrap()
                    };
                    let openings: Vec<Opening> = of_stripe(from, count).map(open).collect();
                    false_proofs.push(InconsistencyProof::Leaves(openings));
                }
            }
        }
        let shards = of_stripe(0, coding.k()).cloned().collect();
        let stripe_roots = manifest.stripe_roots().iter();
        let leaves: Vec<_> = stripe_roots.map(|root| merkle::leaf(root.as_slice())).collect();
        let stripe_path = merkle::path(&leaves, stripe as usize).unwrap();
        false_proofs.push(InconsistencyProof::Stripe { stripe_path, shards });
    }
    false_proofs
}

#[test]
fn honest_publishers_cannot_be_slandered() {
    let (manifest, shards) = publish(&data(12_345, 5), coding(7, 5_000));
    let commitment = manifest.commitment();
    for false_proof in false_proofs(&manifest, &shards) {
        assert_eq!(false_proof.verify(commitment), Err(InconsistencyError::Consistent));
        let encoded = false_proof.encode();
        assert_eq!(InconsistencyProof::decode(&encoded, commitment), Ok(false_proof.clone()));
        // No bit of it can be changed to make it true.
        for bit in (0..encoded.len() * 8).step_by(1_013) {
            let mut changed = encoded.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(changed) = InconsistencyProof::decode(&changed, commitment) {
                assert!(changed.verify(commitment).is_err(), "bit {bit}");
            }
        }
    }
}

#[test]
fn odd_proofs_are_refused() {
    let (manifest, shards) = publish(&data(12_345, 5), coding(7, 5_000));
    let commitment = manifest.commitment();
    let open = |stripe, index| {
        let shard = shards[&(stripe, index)].borrowed().verify(&manifest).unwrap();
        shard.open(&manifest, 0).unwrap()
    };
    let verify = |openings: Vec<Opening>| InconsistencyProof::Leaves(openings).verify(commitment);
    let count = |got| Err(InconsistencyError::Count { least: 3, most: 4, got });
    assert_eq!(verify(vec![]), count(0));
    assert_eq!(verify((0..2).map(|index| open(0, index)).collect()), count(2));
    assert_eq!(verify((0..5).map(|index| open(0, index)).collect()), count(5));
    let twice = vec![open(0, 0), open(0, 0), open(0, 1)];
    assert_eq!(verify(twice), Err(InconsistencyError::Order));
    let descending = vec![open(0, 2), open(0, 1), open(0, 0)];
    assert_eq!(verify(descending), Err(InconsistencyError::Order));
    let mixed = vec![open(0, 0), open(0, 1), open(1, 2)];
    assert_eq!(verify(mixed), Err(InconsistencyError::Order));
    let mut forged = vec![open(0, 0), open(0, 1), open(0, 2), open(0, 3)];
    forged[3].bytes[7] ^= 1;
    assert!(matches!(verify(forged), Err(InconsistencyError::Opening(_))));
    let decode = |bytes: &[u8]| InconsistencyProof::decode(bytes, commitment);
    assert_eq!(decode(&[]), Err(InconsistencyError::Empty));
    assert_eq!(decode(&[0, 0]), Err(InconsistencyError::Empty));
    assert_eq!(decode(&[2]), Err(InconsistencyError::Form { got: 2 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn wrong_encoders_never_yield_data(
        n in 2..=20_u16,
        length in 1..20_000_u64,
        stripe_bytes in 3_000..9_000_u32,
        seed: u64,
        wrongs in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..=255_u8), 1..4),
        keep in prop::collection::vec(any::<bool>(), 20),
    ) {
        let coding = coding(n, stripe_bytes);
        let (honest, mut shards) = publish(&data(length as usize, seed), coding);
        let places: Vec<_> = shards.keys().copied().collect();
        for (shard, byte, change) in &wrongs {
            let bytes = shards.get_mut(shard.get(&places)).unwrap().bytes.to_mut();
            let place = byte.index(bytes.len());
            bytes[place] ^= change;
        }
        let manifest = commit(length, coding, &mut shards);
        shards.retain(|(_, index), _| keep[usize::from(*index)]);
        match restored(&manifest, &mut shards) {
            Ok(data_) => {
                // Two changes may undo each other.
                prop_assert_eq!(&manifest, &honest);
                prop_assert_eq!(data_, data(length as usize, seed));
            }
            Err(RestoreError::Inconsistent { proof, .. }) => {
                prop_assert_eq!(proof.verify(manifest.commitment()), Ok(()));
                prop_assert!(proof.verify(honest.commitment()).is_err());
                let encoded = proof.encode();
                let decoded = InconsistencyProof::decode(&encoded, manifest.commitment());
                prop_assert_eq!(decoded.as_ref(), Ok(&*proof));
            }
            Err(error) => {
                let too_few = matches!(error, RestoreError::TooFewShards { .. });
                prop_assert!(too_few, "{}", error);
                prop_assert!(keep.iter().take(n.into()).filter(|keep| **keep).count() < coding.k().into());
            }
        }
    }
}
