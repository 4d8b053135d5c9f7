//! The tables of `docs/precompiles.md` name every function and error with its selector.

use alloy_primitives::hex;
use lazai_precompiles::abi::{
    ILazErrors::ILazErrorsErrors, ILazInference::ILazInferenceCalls,
    ILazProofVerifier::ILazProofVerifierCalls, ILazQuote::ILazQuoteCalls,
    ILazTokenizer::ILazTokenizerCalls, SolInterface,
};

const PAGE: &str = include_str!("../../../docs/precompiles.md");

#[test]
fn every_selector_is_documented() {
    documented::<ILazErrorsErrors>(30, ILazErrorsErrors::signature_by_selector);
    documented::<ILazInferenceCalls>(4, ILazInferenceCalls::signature_by_selector);
    documented::<ILazProofVerifierCalls>(7, ILazProofVerifierCalls::signature_by_selector);
    documented::<ILazQuoteCalls>(5, ILazQuoteCalls::signature_by_selector);
    documented::<ILazTokenizerCalls>(3, ILazTokenizerCalls::signature_by_selector);
}

fn documented<I: SolInterface>(count: usize, signature: fn([u8; 4]) -> Option<&'static str>) {
    assert_eq!(I::COUNT, count);
    for selector in I::selectors() {
        let signature = signature(selector).unwrap();
        let (name, _) = signature.split_once('(').unwrap();
        let selector = format!("`0x{}`", hex::encode(selector));
        let row = PAGE
            .lines()
            .find(|line| line.contains(&selector))
            .unwrap_or_else(|| panic!("no row for {signature} {selector}"));
        assert!(row.contains(&format!("`{name}(")), "{selector} is {signature}, not {row}");
    }
}
