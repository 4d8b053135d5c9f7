use std::io::{self, Read, Write};

use lazai_availability::{
    CommitmentError, EncodeError, RestoreError, Shard, ShardError, ShardSink, ShardSource, decode,
    encode, repair,
};
use proptest::prelude::*;

use crate::{Shards, coding, data, publish, restored};

#[test]
fn sizes_around_every_edge_come_back() {
    for n in [1, 2, 3, 4, 5, 7, 10, 31] {
        for length in [1, 2, 63, 1_023, 1_024, 1_025, 2_048, 9_999, 10_000, 10_001, 20_000, 34_567]
        {
            let (manifest, mut shards) = publish(&data(length, 7), coding(n, 10_000));
            let commitment = manifest.commitment();
            assert_eq!(commitment.bytes(), length as u64);
            assert_eq!(commitment.stripes() as usize, length.div_ceil(10_000));
            assert_eq!(shards.len(), length.div_ceil(10_000) * usize::from(n));
            assert_eq!(restored(&manifest, &mut shards).unwrap(), data(length, 7), "{n} {length}");
        }
    }
}

#[test]
fn nothing_is_no_dataset() {
    let mut shards: Vec<Shard<'static>> = Vec::new();
    let error = encode(io::empty(), coding(4, 1_000), &mut shards).unwrap_err();
    assert!(matches!(error, EncodeError::Commitment(CommitmentError::Empty)), "{error}");
    assert!(shards.is_empty());
}

#[test]
fn the_first_shards_hold_the_data_itself() {
    let (_, shards) = publish(&data(5_000, 3), coding(7, 5_000));
    let joined: Vec<u8> =
        (0..3).flat_map(|index| shards[&(0, index)].bytes.iter().copied()).collect();
    assert_eq!(joined[..5_000], data(5_000, 3));
    assert!(joined[5_000..].iter().all(|byte| *byte == 0));
}

/// The commitment is part of the format: a change makes all published data unreadable.
#[test]
fn commitments_are_fixed() {
    let root = |n, length| publish(&data(length, 1), coding(n, 5_000)).0.root().to_string();
    let expected = [
        (1, 1, "0x76c241718d47cf9894c67a7b3426fe184aac5ada507f78e4d41ddc2e4507f013"),
        (4, 12_345, "0x52aeb3cdd5a4f5a1a7661624d516553473286b09be8261fd9b8b454c14a32e78"),
        (31, 6_000, "0xe924fdeb8547a3f2d6b51ebdfbc9cffc3081bd5ff266cb96ea001fc9c5383337"),
    ];
    for (n, length, expected) in expected {
        assert_eq!(root(n, length), expected, "{n} {length}");
    }
}

#[test]
fn too_few_shards_are_counted() {
    let (manifest, mut shards) = publish(&data(12_000, 3), coding(10, 5_000));
    shards.retain(|(stripe, index), _| *stripe != 1 || [2, 5, 9].contains(index));
    let mut output = Vec::new();
    let error = decode(&manifest, &mut shards, &mut output).unwrap_err();
    assert!(
        matches!(error, RestoreError::TooFewShards { stripe: 1, needed: 4, got: 3 }),
        "{error}"
    );
    assert_eq!(output, data(12_000, 3)[..5_000], "what was written is a prefix");
}

/// A source that records its wrong shards.
struct Watched {
    shards: Shards,
    refused: Vec<(u32, u16)>,
}

impl ShardSource for Watched {
    fn shard(&mut self, stripe: u32, index: u16) -> Option<Shard<'_>> {
        self.shards.shard(stripe, index)
    }

    fn refused(&mut self, stripe: u32, index: u16, _error: ShardError) {
        self.refused.push((stripe, index));
    }
}

#[test]
fn a_shard_at_the_place_of_another_is_refused() {
    let (manifest, mut shards) = publish(&data(5_000, 3), coding(4, 5_000));
    let other = shards[&(0, 1)].clone();
    shards.insert((0, 0), other);
    let mut source = Watched { shards, refused: vec![] };
    let mut output = Vec::new();
    decode(&manifest, &mut source, &mut output).unwrap();
    assert_eq!(output, data(5_000, 3));
    assert_eq!(source.refused, [(0, 0)]);
}

#[test]
fn lost_shards_are_repaired_to_the_same_bytes() {
    for n in [2, 4, 10] {
        let (manifest, shards) = publish(&data(12_000, 9), coding(n, 5_000));
        for (&(stripe, index), lost) in &shards {
            let mut rest = shards.clone();
            rest.remove(&(stripe, index));
            assert_eq!(&repair(&manifest, &mut rest, stripe, index).unwrap(), lost);
        }
        let error = |stripe, index| repair(&manifest, &mut shards.clone(), stripe, index);
        assert!(matches!(error(3, 0), Err(RestoreError::Shard(ShardError::NoStripe { .. }))));
        assert!(matches!(error(0, n), Err(RestoreError::Shard(ShardError::NoShard { .. }))));
    }
}

#[test]
fn failing_readers_writers_and_sinks_are_reported() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::ConnectionReset.into())
        }
    }
    impl Write for Failing {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl ShardSink for Failing {
        type Error = u8;
        fn put(&mut self, _: Shard<'_>) -> Result<(), u8> {
            Err(42)
        }
    }
    let coding = coding(4, 1_000);
    let read = encode(Failing, coding, &mut Vec::new()).unwrap_err();
    assert!(matches!(read, EncodeError::Read(_)), "{read}");
    let halfway = encode([1; 10].chain(Failing), coding, &mut Vec::new()).unwrap_err();
    assert!(matches!(halfway, EncodeError::Read(_)), "{halfway}");
    let sink = encode([1; 10].as_slice(), coding, &mut Failing).unwrap_err();
    assert!(matches!(sink, EncodeError::Sink(42)), "{sink}");
    let (manifest, mut shards) = publish(&[1; 10], coding);
    let write = decode(&manifest, &mut shards, &mut Failing).unwrap_err();
    assert!(matches!(write, RestoreError::Write(_)), "{write}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(160))]

    #[test]
    fn up_to_2f_losses_always_restore(
        n in 4..=31_u16,
        length in prop_oneof![Just(1), Just(1_024), 1..3_000_usize, 1..60_000_usize],
        stripe_bytes in 900..20_000_u32,
        seed: u64,
        order in prop::collection::vec(any::<u64>(), 31),
    ) {
        let coding = coding(n, stripe_bytes);
        let (manifest, mut shards) = publish(&data(length, seed), coding);
        // In each stripe all but k are lost, and others than in the stripe before.
        for stripe in 0..manifest.commitment().stripes() {
            let mut places: Vec<u16> = (0..n).collect();
            places.sort_by_key(|place| {
                order[usize::from(*place)].rotate_left(stripe % 64 * 7 % 64)
            });
            let f = (n - 1) / 3;
            let lost = usize::from(n - coding.k());
            prop_assert!(lost >= usize::from(2 * f));
            for place in &places[..lost] {
                shards.remove(&(stripe, *place));
            }
        }
        prop_assert_eq!(restored(&manifest, &mut shards).unwrap(), data(length, seed));
    }

    #[test]
    fn corrupted_shards_never_yield_wrong_data(
        n in 1..=16_u16,
        length in 1..30_000_usize,
        stripe_bytes in 3_000..20_000_u32,
        seed: u64,
        corrupt in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1..=255_u8, any::<bool>()), 0..40),
    ) {
        let coding = coding(n, stripe_bytes);
        let (manifest, mut shards) = publish(&data(length, seed), coding);
        let places: Vec<_> = shards.keys().copied().collect();
        let right = shards.clone();
        for (shard, byte, change, in_path) in &corrupt {
            let shard = shards.get_mut(shard.get(&places)).unwrap();
            if *in_path && !shard.path.is_empty() {
                let node = byte.index(shard.path.len());
                shard.path[node].0[3] ^= change;
            } else {
                let bytes = shard.bytes.to_mut();
                let place = byte.index(bytes.len());
                bytes[place] ^= change;
            }
        }
        let right_left = |stripe| {
            (0..n).filter(|index| right[&(stripe, *index)] == shards[&(stripe, *index)]).count()
        };
        let enough = (0..manifest.commitment().stripes())
            .all(|stripe| right_left(stripe) >= usize::from(coding.k()));
        let mut source = Watched { shards: shards.clone(), refused: vec![] };
        let mut output = Vec::new();
        match decode(&manifest, &mut source, &mut output) {
            Ok(()) => {
                prop_assert!(enough);
                prop_assert_eq!(output, data(length, seed));
            }
            Err(error) => {
                let too_few = matches!(error, RestoreError::TooFewShards { .. });
                prop_assert!(too_few && !enough, "{}", error);
                prop_assert!(data(length, seed).starts_with(&output));
            }
        }
        for place in source.refused {
            prop_assert_ne!(&right[&place], &shards[&place]);
        }
    }
}
