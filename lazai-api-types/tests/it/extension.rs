use alloy_primitives::{U256, address};
use lazai_api_types::{
    DatId, Nonce,
    authorization::{AuthorizationError, LazaiFields, LazaiHeaders},
    openai::{ChatCompletionRequest, Request},
};
use serde_json::json;

use crate::wallet::{NODE, USER};

const SIGNATURE: &str = "5f2d6480211538815b58684dad067feceac9e0d80de79c53cf64344a9ab81a2c\
    37144506bde99d4b482111e6198fdc832ab6035bbdbe9118e9874521bc8fa4dc1b";

/// The headers of the published Python client, as they arrive.
fn python_client() -> Vec<(&'static str, &'static str)> {
    vec![
        ("authorization", "Bearer "),
        ("x-lazai-user", "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"),
        ("x-lazai-nonce", "179541816836697248"),
        ("x-lazai-signature", SIGNATURE),
        ("x-lazai-file-id", ""),
        ("content-type", "application/json"),
    ]
}

#[test]
fn headers_of_the_published_client_are_read_and_verify() {
    let headers = LazaiHeaders::parse(python_client()).unwrap();
    assert_eq!(headers.user, Some(USER));
    assert_eq!(headers.nonce, Some(Nonce(U256::from(179_541_816_836_697_248_u64))));
    assert_eq!(headers.file_id, None, "an empty id is none");
    assert_eq!(headers.terms(), Ok(None));
    let fields = LazaiFields::default().merge(&headers).unwrap();
    let credentials = fields.credentials().unwrap();
    assert_eq!(credentials.verify_deployed(NODE), Ok(()));
}

#[test]
fn header_names_and_addresses_have_any_case() {
    let signature = format!("0x{SIGNATURE}");
    let headers = [
        ("X-LAZAI-USER", "0x2C7536E3605D9C16A7A3D7B1898E529396A65C23"),
        ("X-LazAI-Nonce", "007"),
        ("X-LazAI-Signature", &signature),
        ("X-LazAI-File-ID", " 10 "),
        ("x-lazai-token-id", "1"),
        ("X-LazAI-Max-Fee", "1000000000000000000000"),
        ("X-LazAI-Deadline", "1800000000"),
    ];
    let headers = LazaiHeaders::parse(headers).unwrap();
    assert_eq!(headers.user, Some(USER));
    assert_eq!(headers.nonce, Some(Nonce(U256::from(7))));
    assert_eq!(headers.signature, SIGNATURE.parse().ok());
    assert_eq!(headers.file_id, Some(DatId(U256::from(10))));
    assert_eq!(headers.token_id, Some(U256::from(1)));
    let fee = U256::from(10).pow(U256::from(21));
    assert_eq!(headers.terms(), Ok(Some((fee, 1_800_000_000))));
    assert_eq!(LazaiHeaders::parse([]), Ok(LazaiHeaders::default()));
}

#[test]
fn duplicate_headers_are_refused_even_if_equal() {
    let mut headers = python_client();
    headers.push(("X-LazAI-Nonce", "179541816836697248"));
    let error = AuthorizationError::DuplicateHeader { header: "X-LazAI-Nonce" };
    assert_eq!(LazaiHeaders::parse(headers), Err(error));
    let error = AuthorizationError::DuplicateHeader { header: "X-LazAI-File-ID" };
    assert_eq!(
        LazaiHeaders::parse([("x-lazai-file-id", ""), ("X-LAZAI-FILE-ID", "3")]),
        Err(error)
    );
    assert!(LazaiHeaders::parse([("accept", "a"), ("accept", "b")]).is_ok());
}

#[test]
fn malformed_headers_name_themselves() {
    let parse = |name, value: &str| LazaiHeaders::parse([(name, value)]).unwrap_err();
    let too_large = format!("{}0", U256::MAX);
    let above = "115792089237316195423570985008687907853269984665640564039457584007913129639936";
    for value in ["-1", "+1", "1_0", "0x1", "1.0", "1e3", "", "٣", " ", &too_large, above] {
        let error = AuthorizationError::InvalidNumber { field: "X-LazAI-Nonce", bits: 256 };
        assert_eq!(parse("X-LazAI-Nonce", value), error, "{value}");
    }
    let max = U256::MAX.to_string();
    let headers = LazaiHeaders::parse([("x-lazai-nonce", max.as_str())]).unwrap();
    assert_eq!(headers.nonce, Some(Nonce(U256::MAX)));
    for value in [
        "",
        "0x",
        "2c7536E3605D9C16a7a3D7b1898e529396a65c23",
        "0x2c7536E3605D9C16a7a3D7b1898e529396a65c2",
        "0x2c7536E3605D9C16a7a3D7b1898e529396a65c233",
        "0x0x7536E3605D9C16a7a3D7b1898e529396a65c23",
        "0x2c7536E3605D9C16a7a3D7b1898e529396a65cgg",
    ] {
        let error = AuthorizationError::InvalidAddress { field: "X-LazAI-User" };
        assert_eq!(parse("X-LazAI-User", value), error, "{value}");
    }
    assert_eq!(parse("X-LazAI-Signature", ""), AuthorizationError::InvalidSignature);
    assert_eq!(parse("X-LazAI-File-ID", "0"), AuthorizationError::ZeroDatId);
    let error = AuthorizationError::InvalidNumber { field: "X-LazAI-Deadline", bits: 64 };
    assert_eq!(parse("X-LazAI-Deadline", "18446744073709551616"), error);
}

#[test]
fn terms_come_together() {
    let terms = |name, value| LazaiHeaders::parse([(name, value)]).unwrap().terms();
    let missing = |field| Err(AuthorizationError::Missing { field });
    assert_eq!(terms("X-LazAI-Max-Fee", "1"), missing("X-LazAI-Deadline"));
    assert_eq!(terms("X-LazAI-Deadline", "1"), missing("X-LazAI-Max-Fee"));
}

#[test]
fn the_body_carries_the_same_as_flat_fields() {
    let body = json!({
        "model": "m",
        "messages": [{"role": "user", "content": "hi"}],
        "dat_id": 10,
        "wallet": "0x2c7536e3605d9c16a7a3d7b1898e529396a65c23",
        "signature": SIGNATURE,
        "nonce": 179_541_816_836_697_248_u64,
    });
    let request = ChatCompletionRequest::from_json(body.to_string().as_bytes()).unwrap();
    let expected = LazaiFields {
        dat_id: Some(DatId(U256::from(10))),
        wallet: Some(USER),
        signature: Some(SIGNATURE.parse().unwrap()),
        nonce: Some(Nonce(U256::from(179_541_816_836_697_248_u64))),
    };
    assert_eq!(request.lazai, expected);
    let written = serde_json::to_value(&request).unwrap();
    assert_eq!(written["dat_id"], "10");
    assert_eq!(written["nonce"], "179541816836697248");
    assert_eq!(written["signature"], format!("0x{SIGNATURE}"));
    let read = ChatCompletionRequest::from_json(written.to_string().as_bytes()).unwrap();
    assert_eq!(read, request);
}

#[test]
fn broken_fields_in_the_body_are_refused() {
    for (field, value) in [
        ("dat_id", json!(0)),
        ("dat_id", json!("0")),
        ("dat_id", json!("")),
        ("dat_id", json!(1.5)),
        ("dat_id", json!("0x10")),
        ("dat_id", json!([1])),
        ("nonce", json!(-1)),
        ("nonce", json!(1e30)),
        ("nonce", json!("1 ")),
        ("nonce", json!(true)),
        ("wallet", json!("0x2c75")),
        ("wallet", json!(1)),
        ("signature", json!("0x00")),
    ] {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        body[field] = value.clone();
        let error = ChatCompletionRequest::from_json(body.to_string().as_bytes());
        assert!(error.is_err(), "{field}: {value}");
        body[field] = json!(null);
        let request = ChatCompletionRequest::from_json(body.to_string().as_bytes()).unwrap();
        assert_eq!(request.lazai, LazaiFields::default());
    }
    let twice = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"nonce":1,"nonce":2}"#;
    assert!(ChatCompletionRequest::from_json(twice.as_bytes()).is_err());
}

#[test]
fn body_and_headers_complement_but_never_contradict() {
    let headers = LazaiHeaders::parse(python_client()).unwrap();
    let body = LazaiFields { dat_id: Some(DatId(U256::from(3))), ..LazaiFields::default() };
    let merged = body.merge(&headers).unwrap();
    assert_eq!(merged.dat_id, body.dat_id);
    assert_eq!(merged.wallet, headers.user);
    assert_eq!(merged.merge(&headers), Ok(merged), "what is said twice alike is fine");

    let other = address!("0000000000000000000000000000000000000001");
    let signature = "c69cd0d49ae9feb5ef863eeff9423a1550144ebe6e36479703694d408f316d5c\
                     0f1ee89843d13e9af0a64697156d08215e985127b6dd5cb6b55ced9ca72e6e991b";
    let with_file = LazaiHeaders { file_id: Some(DatId(U256::from(4))), ..headers };
    for (field, body) in [
        ("dat_id", body),
        ("wallet", LazaiFields { wallet: Some(other), ..LazaiFields::default() }),
        ("nonce", LazaiFields { nonce: Some(Nonce(U256::ZERO)), ..LazaiFields::default() }),
        ("signature", LazaiFields { signature: signature.parse().ok(), ..LazaiFields::default() }),
    ] {
        assert_eq!(body.merge(&with_file), Err(AuthorizationError::Disagreement { field }));
    }
}

#[test]
fn absent_credentials_name_themselves() {
    let headers = LazaiHeaders::parse(python_client()).unwrap();
    let whole = LazaiFields::default().merge(&headers).unwrap();
    for (field, fields) in [
        ("wallet", LazaiFields { wallet: None, ..whole }),
        ("nonce", LazaiFields { nonce: None, ..whole }),
        ("signature", LazaiFields { signature: None, ..whole }),
    ] {
        assert_eq!(fields.credentials(), Err(AuthorizationError::Missing { field }));
    }
}
