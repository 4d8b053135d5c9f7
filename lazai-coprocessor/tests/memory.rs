//! What a process keeps of texts, which tests beside it would hide.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use lazai_coprocessor::tokenizer_fixtures::{load, sentence_piece};

#[test]
fn a_text_leaves_no_trace_in_the_model() {
    // The crate's model would keep the words of each thread, some kilobytes each.
    let tokenizer = load(&sentence_piece());
    let resident =
        || std::fs::read_to_string("/proc/self/statm").ok()?.split(' ').nth(1)?.parse().ok();
    let Some(before): Option<u64> = resident() else { return };
    for number in 0..6_000_u32 {
        let letter = |place: u32| {
            char::from(b'a' + (number.wrapping_mul(place * place + 7) >> 5) as u8 % 26)
        };
        tokenizer.encode(&(0..250).map(letter).collect::<String>()).unwrap();
    }
    let pages = resident().unwrap_or(before).saturating_sub(before);
    assert!(pages < 6_000, "{pages} pages are kept");
}
