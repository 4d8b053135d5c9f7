use std::{collections::BTreeMap, io};

use proptest::prelude::*;
use sha2::{Digest, Sha256};

use super::{
    dequantize::dequantize,
    header::Header,
    writer::{Writer, id, open},
    *,
};

const KINDS: [TensorKind; 11] = [
    TensorKind::BF16,
    TensorKind::F16,
    TensorKind::F32,
    TensorKind::Q4_0,
    TensorKind::Q4_1,
    TensorKind::Q4_K,
    TensorKind::Q5_0,
    TensorKind::Q5_1,
    TensorKind::Q5_K,
    TensorKind::Q6_K,
    TensorKind::Q8_0,
];

/// Where blocks have their 16-bit scales and minima.
const fn halves(kind: TensorKind) -> &'static [usize] {
    match kind {
        // The last byte of a 32-bit number has its exponent, as that of a half.
        TensorKind::F32 => &[2],
        TensorKind::Q6_K => &[208],
        TensorKind::BF16 | TensorKind::F16 => &[0],
        TensorKind::Q4_0 | TensorKind::Q5_0 | TensorKind::Q8_0 => &[0],
        TensorKind::Q4_1 | TensorKind::Q4_K | TensorKind::Q5_1 | TensorKind::Q5_K => &[0, 2],
    }
}

/// Random blocks of finite numbers.
fn random_blocks(kind: TensorKind, count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes: Vec<u8> = (0..count * kind.block_bytes())
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005);
            state = state.wrapping_add(1_442_695_040_888_963_407);
            (state >> 56) as u8
        })
        .collect();
    for block in bytes.chunks_exact_mut(kind.block_bytes()) {
        for offset in halves(kind) {
            block[offset + 1] &= 0xbf;
        }
    }
    bytes
}

/// Every type of value, and tensors of several kinds.
fn sample() -> Writer {
    let nested = Array::Array(vec![
        Array::U8(vec![1, 2]),
        Array::Array(vec![Array::String(vec![String::new(), "é".to_owned()])]),
        Array::F64(vec![]),
    ]);
    let q8 = random_blocks(TensorKind::Q8_0, 3, 5);
    Writer::new()
        .entry("general.architecture", "llama")
        .entry("u8", Value::U8(255))
        .entry("i8", Value::I8(-128))
        .entry("u16", Value::U16(65_535))
        .entry("i16", Value::I16(-32_768))
        .entry("u32", u32::MAX)
        .entry("i32", Value::I32(i32::MIN))
        .entry("f32", 1.5)
        .entry("bool", true)
        .entry("u64", Value::U64(u64::MAX))
        .entry("i64", Value::I64(i64::MIN))
        .entry("f64", Value::F64(0.1))
        .entry("bools", Array::Bool(vec![true, false]))
        .entry("u16s", Array::U16(vec![1, 2, 65_535]))
        .entry("i16s", Array::I16(vec![-1]))
        .entry("u32s", Array::U32(vec![]))
        .entry("u64s", Array::U64(vec![1, u64::MAX]))
        .entry("i64s", Array::I64(vec![-1, 7]))
        .entry("nested", nested)
        .f32s("b", &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, -6.0])
        .tensor("a", &[3, 1, 32], TensorKind::Q8_0, &q8)
        .f32s("scalar", &[1], &[7.0])
}

#[test]
fn metadata_and_tensors_are_read_as_written() {
    for version in [2, 3] {
        let writer = Writer { version, ..sample() };
        let file = writer.open().unwrap();
        let expected: BTreeMap<String, Value> = writer.entries.into_iter().collect();
        assert_eq!(*file.entries(), expected);
        assert_eq!(file.metadata("nested"), expected.get("nested"));
        assert_eq!(file.metadata("absent"), None);
        let names: Vec<&String> = file.tensors().keys().collect();
        assert_eq!(names, ["a", "b", "scalar"]);
        let info = &file.tensors()["a"];
        assert_eq!((info.shape.as_slice(), info.kind), ([3, 1, 32].as_slice(), TensorKind::Q8_0));
        assert_eq!((info.bytes, info.elements(), info.row()), (102, 96, 32));
        assert_eq!(file.tensor("b").unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, -6.0]);
        assert_eq!(file.rows("b", 1..2).unwrap(), [4.0, 5.0, -6.0]);
        assert_eq!(file.tensor("scalar").unwrap(), [7.0]);
        assert!(
            matches!(file.tensor("c"), Err(GgufError::MissingTensor { tensor }) if tensor == "c")
        );
        let (tensor, rows, start, end) = ("b".to_owned(), 2, 1, 3);
        assert_eq!(file.rows("b", 1..3), Err(GgufError::Rows { tensor, rows, start, end }));
    }
}

#[test]
fn typed_values_name_key_expected_and_got() {
    let file = sample().open().unwrap();
    assert_eq!(file.u32("u8"), Ok(Some(255)));
    assert_eq!(file.u32("u32"), Ok(Some(u32::MAX)));
    assert_eq!(file.u32("absent"), Ok(None));
    assert_eq!(file.f32("f32"), Ok(Some(1.5)));
    assert_eq!(file.bool("bool"), Ok(Some(true)));
    assert_eq!(file.text("general.architecture"), Ok(Some("llama")));
    assert_eq!(file.i64s("u16s"), Ok(Some(vec![1, 2, 65_535])));
    assert_eq!(file.i64s("i64s"), Ok(Some(vec![-1, 7])));
    let messages = [
        file.u32("i8").unwrap_err().to_string(),
        file.u32("u64").unwrap_err().to_string(),
        file.f32("f64").unwrap_err().to_string(),
        file.i64s("u64s").unwrap_err().to_string(),
        file.texts("bools").unwrap_err().to_string(),
        file.bool("general.architecture").unwrap_err().to_string(),
    ];
    assert_eq!(
        messages,
        [
            "key i8 must be an integer of 32 bits, not negative, got -128",
            "key u64 must be an integer of 32 bits, not negative, got 18446744073709551615",
            "key f64 must be a finite f32, got the f64 0.1",
            "key u64s must be an array of integers, got an array of 2 u64",
            "key bools must be an array of texts, got an array of 2 booleans",
            "key general.architecture must be a boolean, got \"llama\"",
        ]
    );
}

#[test]
fn blocks_become_the_numbers_of_the_reference_code() {
    // SHA-256 of what `gguf.quants.dequantize` of the Python package gguf 0.19.0 makes of the same
    // 64 blocks.
    for (kind, expected) in [
        (TensorKind::BF16, "925da2d96441248dde328080d667a10eccb31c39a7e7b685450da4aa8ca38540"),
        (TensorKind::F16, "627a1173410edc5c63671dc0ad999564d15f1e73f85ac320364ecd88aa17bb28"),
        (TensorKind::F32, "c62bf6bed6045c019d64228339b9c2a5efeae0c8b7c499be34121625859bd641"),
        (TensorKind::Q4_0, "3ef0d3296ae54113061ecd2cae8ad3ddd595e579f4f277ed6a4660aa59abc01c"),
        (TensorKind::Q4_1, "f34a5564c784eef48bb41aa68e5ba682b96bb2f73661a9884b12517feb5ec6d2"),
        (TensorKind::Q4_K, "b8c8e2dffaacfaf94f038fa46dc113faab1b0aabfa40e4636fd131721434ceff"),
        (TensorKind::Q5_0, "585c5362b83eb1ef9dea26a9b9be47ccbf7fb8ebe75f1b7017806dd8feeebce0"),
        (TensorKind::Q5_1, "8dba97118adf451be27f9af552af90d7343c11e7a489c186c3f065878c21d671"),
        (TensorKind::Q5_K, "bce88929e67abac5225dd19a317948a6bcf3dc62af121c9abfae74ee6b618b9d"),
        (TensorKind::Q6_K, "1ff818bdce2c14125b7b1dbc9e26fcfb926ab86a9b341cc20c6d68d6489f3a68"),
        (TensorKind::Q8_0, "bc0f260c3cbd7e4ee81c277dae87137f2bb37e5ce85d8e3cd740a49f542675c0"),
    ] {
        let mut values = Vec::new();
        dequantize(kind, &random_blocks(kind, 64, 1), &mut values);
        assert_eq!(values.len(), 64 * kind.block(), "{kind:?}");
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let hash: String =
            Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, expected, "{kind:?}");
    }
}

#[test]
fn a_tensor_of_several_pieces_is_whole() {
    // 3 MiB and some rows, so that a piece ends inside the tensor.
    let kind = TensorKind::Q6_K;
    let blocks = 16_000;
    let data = random_blocks(kind, blocks, 3);
    let file = Writer::new().tensor("w", &[blocks / 4, 1_024], kind, &data).open().unwrap();
    let mut expected = Vec::new();
    dequantize(kind, &data, &mut expected);
    assert!(file.tensor("w").unwrap() == expected);
    assert!(file.rows("w", 1_000..3_999).unwrap() == expected[1_024_000..3_999 * 1_024]);
}

#[test]
fn weights_that_are_not_finite_are_refused_by_name() {
    let refused = |kind, data: &[u8], shape: &[usize]| {
        let file = Writer::new().tensor("w", shape, kind, data).open().unwrap();
        let Err(GgufError::NotFinite { tensor, index }) = file.tensor("w") else {
            panic!("{kind:?} was read");
        };
        assert_eq!(tensor, "w");
        assert!(file.rows("w", 0..1).is_ok() || index == 0);
        index
    };
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let data: Vec<u8> = [1.0, 2.0, 3.0, value].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(refused(TensorKind::F32, &data, &[2, 2]), 3);
    }
    for kind in KINDS.into_iter().filter(|kind| *kind != TensorKind::F32) {
        for offset in halves(kind) {
            let mut data = random_blocks(kind, 2, 9);
            let high = data.len() - kind.block_bytes() + offset + 1;
            // Every bit of the exponent of either format.
            data[high] = 0x7f;
            data[high - 1] = 0x80;
            assert!(refused(kind, &data, &[2, kind.block()]) >= kind.block(), "{kind:?}");
        }
    }
}

#[test]
fn other_formats_and_versions_are_refused() {
    let error = open(b"GGML\x03\0\0\0").unwrap_err();
    assert_eq!(error, GgufError::Magic { got: *b"GGML" });
    // The last is version 3, big-endian.
    for got in [0, 1, 4, 0x0300_0000] {
        let error = Writer { version: got, ..Writer::new() }.open().unwrap_err();
        assert_eq!(error, GgufError::Version { got });
    }
    let error = Gguf::open(std::path::Path::new("/nowhere/model.gguf")).unwrap_err();
    assert_eq!(error, GgufError::Io { source: io::ErrorKind::NotFound.into() });
}

#[test]
fn huge_counts_are_refused_before_they_are_believed() {
    let huge = [1 << 20, 1 << 40, u64::MAX];
    for count in huge {
        let error = Writer { tensor_count: Some(count), ..sample() }.open().unwrap_err();
        assert!(matches!(error, GgufError::Limit { got, .. } if got == count), "{error}");
        let error = Writer { entry_count: Some(count), ..sample() }.open().unwrap_err();
        assert!(matches!(error, GgufError::Limit { got, .. } if got == count), "{error}");
    }
    // Counts below the limits, of things that the file does not hold.
    for kind in (0..=12_u32).filter(|kind| *kind != 9) {
        for count in [1_u64 << 20, 1 << 22, 1 << 23, u64::MAX] {
            let mut bytes = Writer { entry_count: Some(1), ..Writer::new() }.header();
            for number in [3_u64, u64::from_le_bytes(*b"key\x09\0\0\0\0")] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            bytes.pop();
            bytes.extend_from_slice(&kind.to_le_bytes());
            bytes.extend_from_slice(&count.to_le_bytes());
            let error = open(&bytes).unwrap_err();
            let truncated =
                matches!(&error, GgufError::Truncated { part, .. } if part == "key key");
            let limit = matches!(error, GgufError::Limit { got, .. } if got == count);
            assert!(if count > 1 << 22 { limit } else { truncated }, "{kind} {count}: {error}");
        }
    }
    let writer = Writer::new().entry("deep", {
        let deep = |array| Array::Array(vec![array]);
        deep(deep(deep(deep(Array::U8(vec![])))))
    });
    let what = "the depth of arrays";
    let expected = GgufError::Limit { part: "key deep".to_owned(), what, got: 5, max: 4 };
    assert_eq!(writer.open().unwrap_err(), expected);
}

#[test]
fn a_vocabulary_of_a_quarter_million_tokens_loads() {
    let tokens: Vec<String> = (0..262_144).map(|token| format!("token{token}")).collect();
    let file = Writer::new()
        .entry("tokenizer.ggml.tokens", tokens.clone())
        .entry("tokenizer.ggml.scores", vec![-1.0; tokens.len()])
        .open()
        .unwrap();
    assert_eq!(file.texts("tokenizer.ggml.tokens"), Ok(Some(tokens.as_slice())));
    assert_eq!(file.f32s("tokenizer.ggml.scores").unwrap().unwrap().len(), tokens.len());
}

#[test]
fn absurd_metadata_is_refused_by_name() {
    let error = Writer::new().entry("a", 1).entry("a", 2).open().unwrap_err();
    assert_eq!(error, GgufError::DuplicateKey { key: "a".to_owned() });
    let error = Writer::new().entry(&"k".repeat(300), 1).open().unwrap_err();
    assert!(matches!(error, GgufError::Limit { got: 300, max: 256, .. }), "{error}");
    let error = Writer::new().entry("t", "t".repeat(1 << 21).as_str()).open().unwrap_err();
    assert!(matches!(error, GgufError::Limit { max: 1_048_576, .. }), "{error}");

    let mut bytes = Writer::new().entry("key", true).to_bytes();
    let end = 24 + 8 + 3 + 4;
    bytes[end] = 2;
    let error = open(&bytes).unwrap_err();
    assert_eq!(error, GgufError::Bool { part: "key key".to_owned(), got: 2 });
    bytes[end - 4] = 13;
    let error = open(&bytes).unwrap_err();
    assert_eq!(error, GgufError::ValueType { part: "key key".to_owned(), got: 13 });

    let mut bytes = Writer::new().entry("key", "text").to_bytes();
    bytes[24 + 8 + 3 + 4 + 8] = 0xff;
    assert_eq!(open(&bytes).unwrap_err(), GgufError::Text { part: "key key".to_owned() });

    for got in [0, 1, 4, 12, 48, 1 << 17, u32::MAX] {
        let error = Writer::new().entry("general.alignment", got).open().unwrap_err();
        assert_eq!(error, GgufError::Alignment { min: 8, max: 65_536, got });
    }
    let error = Writer::new().entry("general.alignment", "32").open().unwrap_err();
    assert_eq!(error, GgufError::value("general.alignment", "a u32", "\"32\""));
}

#[test]
fn alignment_is_that_of_the_file() {
    for alignment in [8, 64, 4_096] {
        let writer = Writer { alignment, ..sample() };
        let file = writer.entry("general.alignment", alignment as u32).open().unwrap();
        assert_eq!(file.tensor("scalar").unwrap(), [7.0]);
        assert!(file.tensors().values().all(|info| info.offset.is_multiple_of(alignment as u64)));
    }
}

/// A file of two tensors, the second changed.
fn changed(change: impl Fn(&mut writer::WrittenTensor)) -> Result<Gguf, GgufError> {
    let mut writer =
        Writer::new().f32s("first", &[16], &[1.0; 16]).f32s("second", &[2, 8], &[2.0; 16]);
    change(&mut writer.tensors[1]);
    writer.open()
}

#[test]
fn tensors_lie_apart_and_inside_the_file() {
    assert_eq!(changed(|_| ()).unwrap().tensor("second").unwrap(), [2.0; 16]);
    let tensor = || "second".to_owned();
    let error = changed(|second| second.offset = Some(32)).unwrap_err();
    // Header and names end at 125, so that the data starts at 128.
    let (other, start, end) = ("first".to_owned(), 160, 192);
    assert_eq!(error, GgufError::Overlap { tensor: tensor(), start, other, end });
    let error = changed(|second| second.offset = Some(0)).unwrap_err();
    assert!(matches!(error, GgufError::Overlap { .. }), "{error}");
    let error = changed(|second| second.offset = Some(65)).unwrap_err();
    assert_eq!(error, GgufError::Offset { tensor: tensor(), alignment: 32, got: 65 });
    let error = changed(|second| second.offset = Some(96)).unwrap_err();
    assert_eq!(error, GgufError::Range { tensor: tensor(), end: 288, length: 256 });
    let error = changed(|second| second.offset = Some(u64::MAX - 31)).unwrap_err();
    assert!(matches!(error, GgufError::Range { end: u64::MAX, .. }), "{error}");
    let error = changed(|second| second.sizes = vec![3, 8]).unwrap_err();
    assert!(matches!(error, GgufError::Range { .. }), "{error}");
    let error = changed(|second| second.name = "first".to_owned()).unwrap_err();
    assert_eq!(error, GgufError::DuplicateTensor { tensor: "first".to_owned() });
}

#[test]
fn shapes_and_kinds_are_checked_by_name() {
    for sizes in
        [vec![], vec![2, 0], vec![1 << 21, 1 << 20], vec![u64::MAX, 2], vec![1 << 32, 1 << 32]]
    {
        let error = changed(|second| second.sizes = sizes.clone()).unwrap_err();
        let named = matches!(&error, GgufError::Dimensions { tensor, got, .. }
            if tensor == "second" && *got == sizes);
        assert!(named, "{error}");
    }
    let error = changed(|second| second.sizes = vec![1; 5]).unwrap_err();
    assert!(matches!(error, GgufError::Limit { got: 5, max: 4, .. }), "{error}");
    for (kind, got) in [(4, "kind 4"), (11, "Q3_K"), (28, "F64"), (77, "kind 77")] {
        let error = changed(|second| second.kind = kind).unwrap_err();
        assert!(matches!(&error, GgufError::Kind { got: name, .. } if name == got), "{error}");
    }
    let error = changed(|second| second.kind = id(TensorKind::Q8_0)).unwrap_err();
    assert_eq!(error, GgufError::RowLength { tensor: "second".to_owned(), block: 32, got: 8 });
}

#[test]
fn every_truncation_is_refused() {
    let bytes = sample().to_bytes();
    // The last tensor has 4 bytes; what follows is padding.
    let end = bytes.len() - 28;
    for length in 0..end {
        let error = open(&bytes[..length]).unwrap_err();
        assert!(
            matches!(error, GgufError::Truncated { .. } | GgufError::Range { .. }),
            "{length}: {error}"
        );
    }
    assert_eq!(open(&bytes[..end]).unwrap().tensor("scalar").unwrap(), [7.0]);
}

#[test]
fn a_file_that_shrinks_is_an_error_of_reading() {
    let path = std::env::temp_dir().join(format!("lazai-gguf-shrinks-{}", std::process::id()));
    std::fs::write(&path, sample().to_bytes()).unwrap();
    let file = Gguf::open(&path).unwrap();
    std::fs::write(&path, b"").unwrap();
    assert_eq!(
        file.tensor("b"),
        Err(GgufError::Io { source: io::ErrorKind::UnexpectedEof.into() })
    );
    std::fs::remove_file(&path).unwrap();
}

/// A file of no more than a few hundred bytes has no value of more than a few thousand.
fn check_header(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(header) = Header::read(bytes, bytes.len() as u64) {
        for info in header.tensors.values() {
            prop_assert!(info.offset + info.bytes <= bytes.len() as u64);
            prop_assert!(info.elements() <= 8 * bytes.len());
        }
    }
    Ok(())
}

#[test]
fn every_single_corruption_of_the_header_is_refused_or_harmless() {
    let (header, bytes) = (sample().header(), sample().to_bytes());
    for offset in 0..header.len() {
        for flip in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            let mut bytes = bytes.clone();
            bytes[offset] ^= flip;
            check_header(&bytes).unwrap();
        }
    }
}

proptest! {
    #[test]
    fn random_tensors_are_read_whole_and_by_rows(
        tensors in proptest::collection::vec((0..KINDS.len(), proptest::collection::vec(1..4_usize, 0..4), 1..3_usize), 0..6),
        alignment in 3..9_u32,
        seed: u64,
    ) {
        let alignment = 1_u32 << alignment;
        let mut writer = Writer { alignment: alignment as usize, ..Writer::new() };
        writer = writer.entry("general.alignment", alignment);
        let mut expected = Vec::new();
        for (index, (kind, outer, inner)) in tensors.into_iter().enumerate() {
            let kind = KINDS[kind];
            let mut shape = outer;
            shape.push(inner * kind.block());
            let blocks = shape.iter().product::<usize>() / kind.block();
            let data = random_blocks(kind, blocks, seed ^ index as u64);
            let mut values = Vec::new();
            dequantize(kind, &data, &mut values);
            let name = format!("tensor {index}");
            writer = writer.tensor(&name, &shape, kind, &data);
            expected.push((name, shape, kind, values));
        }
        let file = writer.open().unwrap();
        prop_assert_eq!(file.tensors().len(), expected.len());
        for (name, shape, kind, values) in expected {
            let info = &file.tensors()[&name];
            prop_assert_eq!(&info.shape, &shape);
            prop_assert_eq!(info.kind, kind);
            let read = file.tensor(&name).unwrap();
            prop_assert!(read == values);
            let row = info.row();
            for index in 0..values.len() / row {
                let read = file.rows(&name, index..index + 1).unwrap();
                prop_assert!(read == values[index * row..(index + 1) * row]);
            }
        }
    }

    #[test]
    fn several_corruptions_are_refused_or_harmless(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut bytes = sample().to_bytes();
        for (offset, byte) in changes {
            let offset = offset.index(bytes.len());
            bytes[offset] = byte;
        }
        check_header(&bytes)?;
    }

    #[test]
    fn any_bytes_behind_the_counts_are_refused_or_harmless(
        counts in proptest::array::uniform2(0..20_u64),
        rest in proptest::collection::vec(prop_oneof![3 => Just(0_u8), 2 => 0..14_u8, 1 => any::<u8>()], 0..400),
    ) {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        for count in counts {
            bytes.extend_from_slice(&count.to_le_bytes());
        }
        bytes.extend_from_slice(&rest);
        check_header(&bytes)?;
    }
}

#[test]
fn the_error_of_the_system_stays_within_reach() {
    let error = Gguf::open("nowhere/model.gguf".as_ref()).unwrap_err();
    assert_eq!(error, GgufError::Io { source: io::ErrorKind::NotFound.into() });
    assert_eq!(error.to_string(), "the GGUF file cannot be read: entity not found");
    let system = core::error::Error::source(&error).unwrap().to_string();
    assert!(system.contains("os error"), "{system}");
}
