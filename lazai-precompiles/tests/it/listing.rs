//! What a chain lists exists on every machine, and nothing else does.

use std::sync::Arc;

use alloy_primitives::{Address, B256};
use alloy_sol_types::SolCall;
use lazai_api_types::{Coprocessor, Fault, FaultKind, ModelId, ProofSystemId, ProofVerifier};
use lazai_precompiles::{
    AiPrecompiles, Call, Listing, MemoryState, Mode, NoModels, Reply, Settings, Status,
    abi::{self, ILazErrors, ILazInference, ILazProofVerifier, ILazQuote, ILazTokenizer},
    address,
};

use crate::support::{Characters, Hashes, MODEL, SYSTEM, call, settings};

/// A model that no device of these tests has.
const OTHER: ModelId = ModelId(B256::repeat_byte(0x22));

fn on(
    device: Arc<dyn Coprocessor>,
    verifiers: Vec<Arc<dyn ProofVerifier>>,
    settings: Settings,
    (address, input): &(Address, Vec<u8>),
    mode: Mode,
) -> Result<Reply, Fault> {
    let precompiles = AiPrecompiles::new(device, verifiers, settings).unwrap();
    let call = Call { mode, ..call(*address, input) };
    let reply = precompiles.call(&call, &mut MemoryState::default());
    assert_eq!(precompiles.query(&call, &mut MemoryState::default()), reply);
    reply.map_err(Fault::from)
}

/// Every way in which a contract names a model.
fn jobs(model: B256) -> Vec<(Address, Vec<u8>)> {
    let request = abi::Generation {
        model,
        prompt: "Why?".into(),
        maxTokens: 3,
        temperatureMilli: 0,
        topK: 0,
        topPMilli: 0,
        seed: 0,
        stop: vec![],
    };
    let quoted = request.clone();
    vec![
        (address::INFERENCE, ILazInference::generateCall { request }.abi_encode()),
        (address::INFERENCE, ILazInference::logitsCall { model, tokens: vec![1] }.abi_encode()),
        (address::INFERENCE, ILazInference::embedCall { model, text: "a".into() }.abi_encode()),
        (address::TOKENIZER, ILazTokenizer::encodeCall { model, text: "a".into() }.abi_encode()),
        (address::TOKENIZER, ILazTokenizer::decodeCall { model, tokens: vec![1] }.abi_encode()),
        (address::TOKENIZER, ILazTokenizer::countCall { model, text: "a".into() }.abi_encode()),
        (address::QUOTE, ILazQuote::quoteGenerateCall { request: quoted }.abi_encode()),
        (address::QUOTE, ILazQuote::quoteEmbedCall { model, text: "a".into() }.abi_encode()),
    ]
}

#[test]
fn a_listed_model_that_a_machine_lacks_is_its_fault() {
    let settings = Settings { models: Listing::from_iter([MODEL, OTHER]), ..settings() };
    for mode in [Mode::Execute, Mode::Simulate] {
        for device in [Arc::new(Characters::default()) as Arc<dyn Coprocessor>, Arc::new(NoModels)]
        {
            for job in jobs(OTHER.0) {
                let device = Arc::clone(&device);
                let fault = on(device, vec![], settings.clone(), &job, mode).unwrap_err();
                assert_eq!(fault.kind, FaultKind::ModelUnavailable, "{job:?}");
                assert!(fault.message.contains(&OTHER.to_string()), "{fault}");
            }
        }
        for job in jobs(MODEL.0) {
            let device = Arc::new(Characters::default());
            on(device, vec![], settings.clone(), &job, mode).unwrap();
        }
    }
}

/// Whether a machine has the file or not, the receipt is the same.
#[test]
fn an_unlisted_model_is_unknown_on_every_machine() {
    let settings =
        Settings { default_model: None, models: Listing::from_iter([OTHER]), ..settings() };
    for mode in [Mode::Execute, Mode::Simulate] {
        for job in jobs(MODEL.0) {
            let device = Arc::new(Characters::default());
            let with = on(device.clone(), vec![], settings.clone(), &job, mode).unwrap();
            let without = on(Arc::new(NoModels), vec![], settings.clone(), &job, mode).unwrap();
            assert_eq!(with, without, "{job:?}");
            let unknown = ILazErrors::UnknownModel { model: MODEL.0 };
            assert_eq!(with.status, Status::Revert);
            assert_eq!(with.output, alloy_sol_types::SolError::abi_encode(&unknown));
            assert!(with.charged.gas_ai > 0);
            assert_eq!(device.counts(), (0, 0), "nobody asks the device");
        }
    }
}

#[test]
fn the_default_model_is_always_listed() {
    let settings = Settings { models: Listing::Only(Default::default()), ..settings() };
    for model in [MODEL.0, B256::ZERO] {
        for job in jobs(model) {
            let device = Arc::new(Characters::default());
            on(device, vec![], settings.clone(), &job, Mode::Execute).unwrap();
            let lacking = on(Arc::new(NoModels), vec![], settings.clone(), &job, Mode::Execute);
            assert_eq!(lacking.unwrap_err().kind, FaultKind::ModelUnavailable);
        }
    }
    let prompt = (address::RAW_PROMPT, b"Why?".to_vec());
    let fault = on(Arc::new(NoModels), vec![], settings, &prompt, Mode::Execute).unwrap_err();
    assert_eq!(fault.kind, FaultKind::ModelUnavailable);
}

/// A machine knows what it lacks before anyone asks for it.
#[test]
fn what_is_listed_and_missing_is_named() {
    let (there, other) = (SYSTEM, ProofSystemId(SYSTEM.0 + 1));
    let missing = |device: Arc<dyn Coprocessor>, settings: &Settings| {
        let verifiers = vec![Arc::new(Hashes(there)) as _];
        AiPrecompiles::new(device, verifiers, settings.clone()).unwrap().missing()
    };
    let listed = Settings {
        models: Listing::from_iter([OTHER]),
        proof_systems: Listing::from_iter([there, other]),
        ..settings()
    };
    let lacking = missing(Arc::new(Characters::default()), &listed);
    assert_eq!(
        (lacking.models.as_slice(), lacking.proof_systems),
        ([OTHER].as_slice(), vec![other])
    );
    // The default model is always listed.
    assert_eq!(missing(Arc::new(NoModels), &listed).models, [MODEL, OTHER]);
    let text = missing(Arc::new(NoModels), &listed).to_string();
    for name in [MODEL.to_string(), OTHER.to_string(), other.0.to_string()] {
        assert!(text.lines().any(|line| line.contains(&name) && line.ends_with("install it")));
    }
    // Without a list nothing is missing.
    assert!(missing(Arc::new(NoModels), &settings()).is_empty());
}

/// A machine on its own has the models that it has.
#[test]
fn without_a_list_the_device_decides() {
    for job in jobs(OTHER.0) {
        let device = Arc::new(Characters::default());
        let reply = on(device, vec![], settings(), &job, Mode::Execute).unwrap();
        assert_eq!(reply.status, Status::Revert, "{job:?}");
    }
}

#[test]
fn proof_systems_are_listed_as_models_are() {
    let queries = |system: ProofSystemId| {
        let (system, key_hash) = (system.0, B256::ZERO);
        [
            ILazProofVerifier::isRegisteredCall { system, keyHash: key_hash }.abi_encode(),
            ILazProofVerifier::registerCall { system, verifyingKey: vec![1; 9].into() }
                .abi_encode(),
            ILazProofVerifier::quoteRegisterCall { system, keyBytes: 9 }.abi_encode(),
        ]
    };
    let listed = |systems: &[ProofSystemId]| Settings {
        proof_systems: systems.iter().copied().collect(),
        ..settings()
    };
    let ask = |verifiers: &[ProofSystemId], settings: &Settings, input: &[u8]| {
        let verifiers = verifiers.iter().map(|id| Arc::new(Hashes(*id)) as _).collect();
        let call = (address::PROOF_VERIFIER, input.to_vec());
        on(Arc::new(Characters::default()), verifiers, settings.clone(), &call, Mode::Execute)
    };
    let other = ProofSystemId(SYSTEM.0 + 1);
    for input in queries(SYSTEM) {
        let here = ask(&[SYSTEM], &listed(&[SYSTEM]), &input).unwrap();
        assert_eq!(here.status, Status::Success);
        assert!(ask(&[other], &listed(&[SYSTEM]), &input).is_err());
        let with = ask(&[SYSTEM, other], &listed(&[other]), &input).unwrap();
        assert_eq!(with, ask(&[other], &listed(&[other]), &input).unwrap());
        assert_eq!(with.status, Status::Revert);
        assert_eq!(with, ask(&[], &settings(), &input).unwrap());
    }
}
