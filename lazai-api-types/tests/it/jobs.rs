//! The canonical encoding of jobs.

use alloy_primitives::{B256, keccak256};
use lazai_api_types::{
    Generation, Job, MAX_STOP_TEXTS, ModelId, Prompt, Sampling, Task, TokenId, codec::DecodeError,
};
use proptest::prelude::*;

fn prompts() -> impl Strategy<Value = Prompt> {
    prop_oneof![".{0,40}".prop_map(Prompt::Text), tokens().prop_map(Prompt::Tokens)]
}

fn tokens() -> impl Strategy<Value = Vec<TokenId>> {
    prop::collection::vec(any::<u32>().prop_map(TokenId), 0..12)
}

fn generations() -> impl Strategy<Value = Generation> {
    let sampling =
        any::<(u32, u32, u32, u64)>().prop_map(|(temperature_milli, top_k, top_p_milli, seed)| {
            Sampling { temperature_milli, top_k, top_p_milli, seed }
        });
    let stop = prop::collection::vec(".{0,8}", 0..=MAX_STOP_TEXTS);
    (prompts(), any::<u32>(), sampling, stop).prop_map(|(prompt, max_tokens, sampling, stop)| {
        Generation { prompt, max_tokens, sampling, stop }
    })
}

fn jobs() -> impl Strategy<Value = Job> {
    let task = prop_oneof![
        ".{0,40}".prop_map(|text| Task::Count { text }),
        tokens().prop_map(|tokens| Task::Decode { tokens }),
        prompts().prop_map(|prompt| Task::Embed { prompt }),
        ".{0,40}".prop_map(|text| Task::Encode { text }),
        generations().prop_map(Task::Generate),
        (tokens(), any::<u32>()).prop_map(|(tokens, count)| Task::GreedyTokens { tokens, count }),
        prompts().prop_map(|prompt| Task::Logits { prompt }),
    ];
    (any::<[u8; 32]>(), task)
        .prop_map(|(model, task)| Job { model: ModelId(B256::new(model)), task })
}

proptest! {
    #[test]
    fn a_job_comes_back_and_its_hash_is_that_of_its_bytes(job in jobs()) {
        let bytes = job.encode();
        prop_assert_eq!(keccak256(&bytes), job.hash());
        prop_assert_eq!(Job::decode(&bytes), Ok(job));
    }

    #[test]
    fn cut_or_longer_bytes_are_refused(job in jobs()) {
        let mut bytes = job.encode();
        for length in 0..bytes.len() {
            prop_assert!(Job::decode(&bytes[..length]).is_err(), "cut to {} bytes", length);
        }
        bytes.push(0);
        prop_assert_eq!(Job::decode(&bytes), Err(DecodeError::TrailingBytes { count: 1 }));
    }

    #[test]
    fn changed_bytes_are_refused_or_another_job(
        job in jobs(),
        at in any::<prop::sample::Index>(),
        change in 1..=u8::MAX,
    ) {
        let mut bytes = job.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= change;
        if let Ok(other) = Job::decode(&bytes) {
            prop_assert_ne!(&other, &job);
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn what_is_read_is_canonical(tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let prefix = job(Task::Decode { tokens: vec![] }).encode();
        // Domain and model, then anything.
        let bytes = [&prefix[..PREFIX_BYTES], &tail].concat();
        if let Ok(job) = Job::decode(&bytes) {
            prop_assert_eq!(job.encode(), bytes);
        }
    }
}

/// Computed apart from this crate, from the documentation of `Job::encode`.
#[test]
fn the_bytes_are_golden() {
    let job = job(Task::Generate(generation(&["\n"])));
    let mut expected = Vec::new();
    expected.extend(11_u64.to_le_bytes());
    expected.extend(b"lazvm/job/1");
    expected.extend([7; 32]);
    expected.push(4);
    expected.push(0);
    expected.extend(4_u64.to_le_bytes());
    expected.extend(b"Once");
    for word in [8_u64, 1, 2, 3, 4, 1, 1] {
        expected.extend(word.to_le_bytes());
    }
    expected.push(b'\n');
    assert_eq!(job.encode(), expected);
}

#[test]
fn another_domain_is_refused() {
    let mut bytes = job(Task::Count { text: "a".into() }).encode();
    bytes[PREFIX_BYTES - 33] = b'2';
    assert_eq!(Job::decode(&bytes), Err(DecodeError::Domain { expected: "lazvm/job/1" }));
    assert_eq!(Job::decode(&[]), Err(DecodeError::Domain { expected: "lazvm/job/1" }));
}

#[test]
fn unknown_kinds_are_refused() {
    let mut bytes = job(Task::Embed { prompt: Prompt::Tokens(vec![]) }).encode();
    bytes[PREFIX_BYTES + 1] = 2;
    let refused = DecodeError::Field { field: "kind of prompt", got: 2 };
    assert_eq!(Job::decode(&bytes), Err(refused));
    bytes[PREFIX_BYTES] = 7;
    assert_eq!(Job::decode(&bytes), Err(DecodeError::Field { field: "kind of task", got: 7 }));
}

#[test]
fn numbers_above_their_width_are_refused() {
    let bytes = job(Task::Generate(generation(&[]))).encode();
    let max_tokens = PREFIX_BYTES + 1 + 1 + 8 + 4;
    for (index, field) in
        ["max_tokens", "temperature_milli", "top_k", "top_p_milli"].into_iter().enumerate()
    {
        let mut wide = bytes.clone();
        let at = max_tokens + 8 * index;
        wide[at..at + 8].copy_from_slice(&(1_u64 << 32).to_le_bytes());
        assert_eq!(Job::decode(&wide), Err(DecodeError::Field { field, got: 1 << 32 }));
    }
}

#[test]
fn a_fifth_stop_text_is_refused() {
    let five = job(Task::Generate(generation(&["a", "b", "c", "d", "e"]))).encode();
    let refused = DecodeError::Field { field: "count of stop texts", got: 5 };
    assert_eq!(Job::decode(&five), Err(refused));
}

#[test]
fn a_text_that_is_not_utf8_is_refused() {
    let mut bytes = job(Task::Count { text: "abc".into() }).encode();
    let last = bytes.len() - 1;
    bytes[last] = 0xff;
    let refused = DecodeError::Utf8 { field: "text to count", offset: 2 };
    assert_eq!(Job::decode(&bytes), Err(refused));
}

#[test]
fn claimed_lengths_allocate_nothing() {
    let tasks = [
        Task::Count { text: String::new() },
        Task::Decode { tokens: vec![] },
        Task::Embed { prompt: Prompt::Text(String::new()) },
        Task::Logits { prompt: Prompt::Tokens(vec![]) },
    ];
    for task in tasks {
        let mut bytes = job(task).encode();
        let length = bytes.len() - 8;
        for claim in [1, 1 << 40, u64::MAX / 4 + 1, u64::MAX] {
            bytes[length..].copy_from_slice(&claim.to_le_bytes());
            let refused = DecodeError::Truncated { got: bytes.len() as u64 };
            assert_eq!(Job::decode(&bytes), Err(refused));
        }
    }
}

const fn job(task: Task) -> Job {
    Job { model: ModelId(B256::repeat_byte(7)), task }
}

fn generation(stop: &[&str]) -> Generation {
    Generation {
        prompt: Prompt::Text("Once".into()),
        max_tokens: 8,
        sampling: Sampling { temperature_milli: 1, top_k: 2, top_p_milli: 3, seed: 4 },
        stop: stop.iter().map(|&stop| stop.into()).collect(),
    }
}

/// Bytes of the domain and the model.
const PREFIX_BYTES: usize = 8 + 11 + 32;
