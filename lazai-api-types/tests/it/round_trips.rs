use alloy_primitives::{Address, B256, U256};
use lazai_api_types::{
    DatId, Nonce, TokenId,
    authorization::{LazaiFields, LazaiHeaders, RequestMessage},
    openai::{
        AssistantMessage, Auto, ChatCompletionRequest, ChatMessage, CompletionRequest, Content,
        ContentPart, EmbeddingRequest, EmbeddingVector, EncodingFormat, FineTuningJobRequest,
        FunctionCall, Hyperparameters, Input, Request, Stop, StreamOptions, ToolCall,
    },
};
use proptest::{collection::vec, option, prelude::*};

use crate::wallet::{NODE, sign};

fn number() -> impl Strategy<Value = U256> {
    prop_oneof![
        any::<u64>().prop_map(U256::from),
        any::<[u8; 32]>().prop_map(U256::from_be_bytes),
        Just(U256::MAX)
    ]
}

fn fields() -> impl Strategy<Value = LazaiFields> {
    let wallet = any::<[u8; 20]>().prop_map(Address::new);
    let signature = any::<[u8; 32]>().prop_map(|digest| sign(&B256::new(digest)));
    let dat_id = number().prop_filter("ids start at 1", |id| !id.is_zero()).prop_map(DatId);
    let parts = (option::of(dat_id), option::of(wallet), option::of(signature));
    (parts, option::of(number().prop_map(Nonce))).prop_map(
        |((dat_id, wallet, signature), nonce)| LazaiFields { dat_id, wallet, signature, nonce },
    )
}

fn thousandths(max: u16) -> impl Strategy<Value = Option<f32>> {
    option::of((0..=max).prop_map(|milli| f32::from(milli) / 1_000.0))
}

fn content() -> impl Strategy<Value = Content> {
    let part = prop_oneof![
        any::<String>().prop_map(|text| ContentPart::Text { text }),
        any::<String>().prop_map(|refusal| ContentPart::Refusal { refusal }),
    ];
    prop_oneof![any::<String>().prop_map(Content::Text), vec(part, 0..4).prop_map(Content::Parts)]
}

fn message() -> impl Strategy<Value = ChatMessage> {
    let call =
        (any::<String>(), any::<String>(), any::<String>()).prop_map(|(id, name, arguments)| {
            ToolCall::Function { id, function: FunctionCall { name, arguments } }
        });
    let name = || option::of("[a-z]{1,9}");
    prop_oneof![
        (content(), name()).prop_map(|(content, name)| ChatMessage::User { content, name }),
        (content(), name()).prop_map(|(content, name)| ChatMessage::System { content, name }),
        (content(), name()).prop_map(|(content, name)| ChatMessage::Developer { content, name }),
        (content(), ".{1,9}")
            .prop_map(|(content, id)| ChatMessage::Tool { content, tool_call_id: id }),
        (option::of(content()), option::of(vec(call, 0..3))).prop_map(|(content, tool_calls)| {
            let message = AssistantMessage { content, tool_calls, ..AssistantMessage::default() };
            ChatMessage::Assistant(message)
        }),
    ]
}

fn stop() -> impl Strategy<Value = Option<Stop>> {
    option::of(prop_oneof![
        ".{1,8}".prop_map(Stop::Text),
        vec(".{1,8}", 0..=64).prop_map(Stop::Texts)
    ])
}

fn input() -> impl Strategy<Value = Input> {
    let tokens = || vec(any::<u32>().prop_map(TokenId), 1..5);
    prop_oneof![
        ".{1,8}".prop_map(Input::Text),
        vec(".{1,8}", 1..4).prop_map(Input::Texts),
        tokens().prop_map(Input::Tokens),
        vec(tokens(), 1..4).prop_map(Input::TokenLists),
    ]
}

fn chat() -> impl Strategy<Value = ChatCompletionRequest> {
    let sampling = (thousandths(2_000), thousandths(1_000), option::of(any::<i64>()));
    let output = (option::of(1..=u32::MAX), option::of(1..=128_u32), stop(), any::<Option<bool>>());
    (".{1,9}", vec(message(), 1..5), sampling, output, fields()).prop_map(
        |(model, messages, (temperature, top_p, seed), (max_tokens, n, stop, usage), lazai)| {
            ChatCompletionRequest {
                model,
                messages,
                temperature,
                top_p,
                seed,
                max_tokens,
                n,
                stop,
                stream: usage.map(|_| true),
                stream_options: usage.map(|usage| StreamOptions {
                    include_usage: Some(usage),
                    ..StreamOptions::default()
                }),
                lazai,
                ..ChatCompletionRequest::default()
            }
        },
    )
}

/// Written and read again, by a server that validates, a request is the same.
fn round_trip<T>(request: &T) -> Result<(), TestCaseError>
where
    T: Request + serde::Serialize + PartialEq + core::fmt::Debug,
{
    let written = serde_json::to_vec(request).unwrap();
    prop_assert_eq!(&T::from_json(&written).unwrap(), request);
    Ok(())
}

proptest! {
    #[test]
    fn chats(request in chat()) {
        round_trip(&request)?;
        let sampling = request.sampling().unwrap();
        prop_assert!(sampling.temperature_milli <= 2_000 && sampling.top_p_milli <= 1_000);
    }

    #[test]
    fn completions(
        prompt in input(), temperature in thousandths(2_000), stop in stop(), lazai in fields(),
    ) {
        let model = "m".into();
        round_trip(&CompletionRequest {
            model, prompt, temperature, stop, lazai, ..CompletionRequest::default()
        })?;
    }

    #[test]
    fn embeddings(input in input(), dimensions in option::of(1..=65_536_u32), lazai in fields()) {
        let model = "m".into();
        let encoding_format = Some(EncodingFormat::Base64);
        round_trip(&EmbeddingRequest {
            model, input, dimensions, encoding_format, lazai, ..EmbeddingRequest::default()
        })?;
    }

    #[test]
    fn fine_tuning_jobs(epochs in option::of(1..=u32::MAX), rate in thousandths(65_535)) {
        let hyperparameters = Hyperparameters {
            n_epochs: epochs.map_or(Auto::Auto, Auto::Value),
            learning_rate_multiplier: rate.map_or(Auto::Auto, |rate| Auto::Value(rate + 0.001)),
            ..Hyperparameters::default()
        };
        round_trip(&FineTuningJobRequest {
            model: "m".into(),
            training_file: "f".into(),
            hyperparameters: Some(hyperparameters),
            ..FineTuningJobRequest::default()
        })?;
    }

    #[test]
    fn embedding_vectors(values in vec(any::<f32>(), 0..40)) {
        let vector = EmbeddingVector::new(values.clone(), EncodingFormat::Base64);
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let written = serde_json::to_string(&vector).unwrap();
        let read: EmbeddingVector = serde_json::from_str(&written).unwrap();
        prop_assert_eq!(bits(&read.values().unwrap()), bits(&values));
    }

    #[test]
    fn fixed_point_embeddings_lose_nothing(
        values in vec(any::<i16>(), 0..40), bits in 0..=126_u8, base64 in any::<bool>(),
    ) {
        let format = if base64 { EncodingFormat::Base64 } else { EncodingFormat::Float };
        let vector = EmbeddingVector::from_fixed_point(&values, bits, format).unwrap();
        let written = serde_json::to_string(&vector).unwrap();
        let read: EmbeddingVector = serde_json::from_str(&written).unwrap();
        let scale = 2_f64.powi(bits.into());
        let back: Vec<f64> =
            read.values().unwrap().into_iter().map(|value| f64::from(value) * scale).collect();
        prop_assert_eq!(back, values.into_iter().map(f64::from).collect::<Vec<_>>());
    }

    #[test]
    fn headers_and_body_say_the_same(fields in fields()) {
        let text = |value: Option<String>| value.unwrap_or_default();
        let user = text(fields.wallet.map(|wallet| wallet.to_string()));
        let nonce = text(fields.nonce.map(|nonce| nonce.0.to_string()));
        let signature = text(fields.signature.map(|signature| signature.to_string()));
        let file = text(fields.dat_id.map(|id| id.0.to_string()));
        let mut headers = vec![("x-lazai-file-id", file.as_str())];
        headers.extend(fields.wallet.map(|_| ("x-lazai-user", user.as_str())));
        headers.extend(fields.nonce.map(|_| ("x-lazai-nonce", nonce.as_str())));
        headers.extend(fields.signature.map(|_| ("x-lazai-signature", signature.as_str())));
        let headers = LazaiHeaders::parse(headers).unwrap();
        prop_assert_eq!(LazaiFields::default().merge(&headers), Ok(fields));
        prop_assert_eq!(fields.merge(&headers), Ok(fields));
    }

    #[test]
    fn a_deployed_signature_holds_for_one_nonce(nonce in number(), other in number()) {
        let user = crate::wallet::USER;
        let message = RequestMessage { nonce: Nonce(nonce), user, node: NODE };
        let signature = sign(&message.digest());
        prop_assert_eq!(message.verify(&signature), Ok(()));
        let altered = RequestMessage { nonce: Nonce(other), ..message };
        prop_assert_eq!(altered.verify(&signature).is_ok(), other == nonce);
    }
}
