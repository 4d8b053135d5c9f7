use alloy_primitives::{Address, B256, U256, b256, hex, keccak256};
use lazai_api_types::{
    DatId, ModelId, Nonce,
    authorization::{
        Authorization, AuthorizationError, Credentials, FileProofMessage, RequestKind,
        RequestMessage, SettlementMessage, WalletSignature, body_hash,
    },
};

use crate::wallet::{NODE, USER, sign};

const SIGNATURE_1: &str = "c69cd0d49ae9feb5ef863eeff9423a1550144ebe6e36479703694d408f316d5c\
    0f1ee89843d13e9af0a64697156d08215e985127b6dd5cb6b55ced9ca72e6e991b";
const SIGNATURE_2: &str = "5f2d6480211538815b58684dad067feceac9e0d80de79c53cf64344a9ab81a2c\
    37144506bde99d4b482111e6198fdc832ab6035bbdbe9118e9874521bc8fa4dc1b";

fn request(nonce: u64) -> RequestMessage {
    RequestMessage { nonce: Nonce(U256::from(nonce)), user: USER, node: NODE }
}

#[test]
fn deployed_requests_match_the_published_clients() {
    let vectors = [
        (
            1,
            b256!("6beb782141d100f8c65ebc83fcbd8b81a2eac05ff7fe1e6b662cd0f3278c8852"),
            b256!("9e5d842693728d556754fb61c6c0b9ed113b5af80cf1473d7ccb479b6d80f6ac"),
            SIGNATURE_1,
        ),
        (
            179_541_816_836_697_248,
            b256!("37af4b853594952afb8a93d4248eb789433f6a2d40e55a6153f6c978fa3235fd"),
            b256!("026c8a799ac3d80de9a160ac3c68851ee9e4dc2cb40c29653457af4b8e21deda"),
            SIGNATURE_2,
        ),
    ];
    for (nonce, hash, digest, signature) in vectors {
        let message = request(nonce);
        assert_eq!(message.hash(), hash);
        assert_eq!(message.digest(), digest);
        let signature: WalletSignature = signature.parse().unwrap();
        assert_eq!(signature.recover(&digest), Ok(USER));
        assert_eq!(message.verify(&signature), Ok(()));
        assert_eq!(sign(&digest), signature, "the wallet signs as the published clients do");
    }
}

#[test]
fn every_part_of_a_deployed_request_is_bound() {
    let signature: WalletSignature = SIGNATURE_1.parse().unwrap();
    let other = Address::repeat_byte(1);
    let altered = [
        request(2),
        RequestMessage { node: other, ..request(1) },
        RequestMessage { user: other, ..request(1) },
    ];
    for message in altered {
        assert!(matches!(
            message.verify(&signature),
            Err(AuthorizationError::SignerMismatch { expected, .. }) if expected == message.user
        ));
    }
}

#[test]
fn settlements_match_the_published_node() {
    let message = SettlementMessage {
        id: "chatcmpl-1".into(),
        user: USER,
        cost: U256::from(500),
        nonce: Nonce(U256::from(1)),
        user_signature: hex::decode(SIGNATURE_1).unwrap(),
    };
    let hash = b256!("7e048f3903a49a50590065473ddb76f491bf075d51eacf137c0149be684cbd5c");
    let digest = b256!("78cbb2a6f0c4ed04aaa62b6201fbe24ac7b8253d249b6cd04bef48cbf1a6eeb6");
    assert_eq!(message.hash(), hash);
    assert_eq!(message.digest(), digest);
    let altered = SettlementMessage { cost: U256::from(501), ..message };
    assert_ne!(altered.digest(), digest);
}

#[test]
fn file_proofs_match_the_published_node() {
    let message = FileProofMessage {
        id: U256::from(1),
        score: U256::from(1),
        file_url: String::new(),
        proof_url: String::new(),
    };
    let hash = b256!("80c0362916c5c4aebedc89e723e574efcf3b4b7c9b06e43d5e8e04f0bb08158e");
    assert_eq!(message.hash(), hash);
    let altered = FileProofMessage { proof_url: "x".into(), ..message.clone() };
    assert_ne!(altered.digest(), message.digest());
}

#[test]
fn signatures_are_read_in_every_form_that_clients_send() {
    let digest = request(1).digest();
    let expected: WalletSignature = SIGNATURE_1.parse().unwrap();
    for text in [
        SIGNATURE_1.to_owned(),
        format!("0x{SIGNATURE_1}"),
        SIGNATURE_1.to_uppercase(),
        format!("{}00", &SIGNATURE_1[..128]),
    ] {
        let signature: WalletSignature = text.parse().unwrap();
        assert_eq!(signature, expected, "{text}");
        assert_eq!(signature.recover(&digest), Ok(USER));
    }
    assert_eq!(expected.to_string(), format!("0x{SIGNATURE_1}"));
    assert_eq!(hex::encode(expected.to_bytes()), SIGNATURE_1);
}

#[test]
fn malformed_signatures_are_refused() {
    let parse = |text: &str| text.parse::<WalletSignature>();
    for text in [
        "",
        "0x",
        &SIGNATURE_1[2..],
        &format!("{SIGNATURE_1}00"),
        &format!("0x0x{}", &SIGNATURE_1[..126]),
        &format!("0x0x{SIGNATURE_1}"),
        &SIGNATURE_1.replacen('c', "g", 1),
        &format!("{}é", &SIGNATURE_1[..128]),
    ] {
        assert_eq!(parse(text), Err(AuthorizationError::InvalidSignature), "{text}");
    }
    for parity in [2, 26, 29, 35, 36, 255] {
        let text = format!("{}{parity:02x}", &SIGNATURE_1[..128]);
        let expected = AuthorizationError::InvalidSignatureParity { got: parity };
        assert_eq!(parse(&text), Err(expected));
    }
    let zero = WalletSignature::from_bytes(&[0; 65]).unwrap();
    assert_eq!(zero.recover(&B256::ZERO), Err(AuthorizationError::Unrecoverable));
}

#[test]
fn the_high_form_of_a_signature_is_refused() {
    let order = U256::from_be_bytes(
        b256!("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141").0,
    );
    let mut bytes: [u8; 65] = hex::decode(SIGNATURE_1).unwrap().try_into().unwrap();
    let low = U256::from_be_slice(&bytes[32..64]);
    bytes[32..64].copy_from_slice(&(order - low).to_be_bytes::<32>());
    bytes[64] = 28;
    // It would recover to the same user, so that one request had two signatures.
    let raw = alloy_primitives::Signature::from_bytes_and_parity(&bytes[..64], true);
    assert!(raw.normalize_s().is_some());
    let normalized = raw.normalized_s();
    assert_eq!(normalized.recover_address_from_prehash(&request(1).digest()).unwrap(), USER);
    assert_eq!(WalletSignature::from_bytes(&bytes), Err(AuthorizationError::HighS));
}

fn authorization() -> Authorization {
    Authorization {
        chain_id: 133_718,
        user: USER,
        node: NODE,
        kind: RequestKind::Inference,
        body_hash: body_hash(br#"{"model":"m"}"#),
        model: ModelId(B256::repeat_byte(0x11)),
        dat_id: Some(DatId(U256::from(10))),
        nonce: Nonce(U256::from(179_541_816_836_697_248_u64)),
        max_fee: U256::from(10).pow(U256::from(18)),
        deadline: 1_800_000_000,
    }
}

/// Computed with the Python package `eth-account`.
#[test]
fn typed_data_matches_another_implementation() {
    let digest = b256!("c0b4cc37ef37f5e1e48d8886107fc3ad85e113a892b19d515f72303687529cfd");
    let signature: WalletSignature =
        "88e22800e918c563a2c7571b7ec2d24ecd62c7f34dacf07cfc1f415832591ec4\
         4d0350f1ddf669f360ac74da5cf1fe987fd54fa024a7597457c9a07f7f146e0e1b"
            .parse()
            .unwrap();
    assert_eq!(authorization().digest(), Ok(digest));
    assert_eq!(authorization().recover(&signature), Ok(USER));
    assert_eq!(authorization().verify(&signature, 1_800_000_000), Ok(()));
    assert_eq!(sign(&digest), signature);
}

#[test]
fn every_field_of_typed_data_is_bound() {
    let original = authorization();
    let signature = sign(&original.digest().unwrap());
    let other = Address::repeat_byte(1);
    let altered = [
        Authorization { chain_id: 1, ..original },
        Authorization { user: other, ..original },
        Authorization { node: other, ..original },
        Authorization { kind: RequestKind::Query, ..original },
        Authorization { kind: RequestKind::Training, ..original },
        Authorization { body_hash: body_hash(b"{}"), ..original },
        Authorization { model: ModelId(B256::ZERO), ..original },
        Authorization { dat_id: None, ..original },
        Authorization { dat_id: Some(DatId(U256::from(11))), ..original },
        Authorization { nonce: Nonce(U256::from(1)), ..original },
        Authorization { max_fee: original.max_fee + U256::from(1), ..original },
        Authorization { deadline: original.deadline + 1, ..original },
    ];
    let mut digests = vec![original.digest().unwrap()];
    for altered in altered {
        digests.push(altered.digest().unwrap());
        assert_ne!(altered.recover(&signature), Ok(USER), "{altered:?}");
        assert!(matches!(
            altered.verify(&signature, 0),
            Err(AuthorizationError::SignerMismatch { .. } | AuthorizationError::Unrecoverable)
        ));
    }
    let count = digests.len();
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn typed_data_ends_and_has_a_ceiling() {
    let authorization = authorization();
    let signature = sign(&authorization.digest().unwrap());
    let deadline = authorization.deadline;
    assert_eq!(authorization.verify(&signature, deadline), Ok(()));
    assert_eq!(
        authorization.verify(&signature, deadline + 1),
        Err(AuthorizationError::Expired { deadline, now: deadline + 1 })
    );
    let maximum = authorization.max_fee;
    let fee = maximum + U256::from(1);
    assert_eq!(authorization.check_fee(maximum), Ok(()));
    let error = AuthorizationError::FeeAboveMaximum { fee, maximum };
    assert_eq!(authorization.check_fee(fee), Err(error));
}

#[test]
fn no_data_and_data_zero_are_not_the_same() {
    let zero = Authorization { dat_id: Some(DatId(U256::ZERO)), ..authorization() };
    assert_eq!(zero.digest(), Err(AuthorizationError::ZeroDatId));
    let signature = sign(&keccak256("anything"));
    assert_eq!(zero.verify(&signature, 0), Err(AuthorizationError::ZeroDatId));
    assert_eq!(zero.recover(&signature), Err(AuthorizationError::ZeroDatId));
}

#[test]
fn one_kind_of_signature_is_not_the_other() {
    let typed = authorization();
    let deployed = RequestMessage { nonce: typed.nonce, user: USER, node: NODE };
    assert!(typed.verify(&sign(&deployed.digest()), 0).is_err());
    assert!(deployed.verify(&sign(&typed.digest().unwrap())).is_err());
}

#[test]
fn credentials_carry_over() {
    let credentials = Credentials {
        user: USER,
        nonce: Nonce(U256::from(1)),
        signature: SIGNATURE_1.parse().unwrap(),
        dat_id: None,
    };
    assert_eq!(credentials.verify_deployed(NODE), Ok(()));
    assert!(credentials.verify_deployed(USER).is_err());
    let typed = authorization().with_credentials(&credentials);
    let expected = Authorization { nonce: credentials.nonce, dat_id: None, ..authorization() };
    assert_eq!(typed, expected);

    let nonce = |nonce: u64| Nonce(U256::from(nonce));
    assert_eq!(credentials.check_nonce(nonce(0)), Ok(()));
    for last in [1, 2] {
        let error = AuthorizationError::NonceTooLow { got: U256::from(1), last: U256::from(last) };
        assert_eq!(credentials.check_nonce(nonce(last)), Err(error));
    }
}
