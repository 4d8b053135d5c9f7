use proptest::prelude::*;

use super::*;
use crate::{
    model::{Model, synthetic},
    program::LlamaShape,
};

fn bytes() -> Vec<u8> {
    let shape = LlamaShape::small();
    synthetic(&shape, 1, 16, 1).unwrap().to_bytes().unwrap()
}

fn load(bytes: Vec<u8>) -> Result<Model, ArtifactError> {
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes))?;
    Model::load_untrusted(artifact, &Threads::single())
}

#[test]
fn an_artifact_is_read_back_and_opened_by_common_tools() {
    let bytes = bytes();
    let model = load(bytes.clone()).unwrap();
    assert_eq!(model.manifest().vocabulary, 258);
    let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(tensors.tensor("layers.0.query.values").unwrap().shape(), [32, 32]);
    assert_eq!(tensors.tensor(MANIFEST).unwrap().data(), model.manifest().to_bytes().unwrap());
}

#[test]
fn bytes_may_stand_anywhere() {
    let bytes = bytes();
    let expected = load(bytes.clone()).unwrap().id();
    for offset in 0..8 {
        let moved: &'static [u8] = [&[0; 8][..offset], &bytes].concat().leak();
        let artifact = Artifact::new(ArtifactBytes::Static(&moved[offset..])).unwrap();
        assert_eq!(artifact.bytes(), bytes);
        let model = Model::load_untrusted(artifact, &Threads::single()).unwrap();
        assert_eq!(model.id(), expected, "{offset} bytes further");
    }
}

#[test]
fn a_file_is_mapped_and_replaced_whole() {
    let folder = std::env::temp_dir().join(format!("lazvm-artifact-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("model.safetensors");
    let bytes = bytes();
    std::fs::write(&path, b"an older file").unwrap();
    let shape = LlamaShape::small();
    synthetic(&shape, 1, 16, 1).unwrap().write(&path).unwrap();
    let artifact = Artifact::open(&path).unwrap();
    assert_eq!(artifact.bytes(), bytes);
    let names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["model.safetensors"], "a partial file was left behind");
    let threads = Threads::new(2).unwrap();
    let id = artifact.id(&threads);
    let model = Model::load(artifact, id, &threads).unwrap();
    assert_eq!(model.id(), id);
    let again = Model::load_verified(Artifact::open(&path).unwrap(), id).unwrap();
    assert_eq!(again.id(), id);
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(matches!(Artifact::open(&path), Err(ArtifactError::Io { .. })));
}

#[test]
fn the_id_is_the_documented_tree() {
    use sha2::{Digest, Sha256};
    let hash = |parts: &[&[u8]]| -> Vec<u8> { Sha256::digest(parts.concat()).to_vec() };
    let bytes: Vec<u8> = (0..2 * LEAF_BYTES + 5).map(|index| index as u8).collect();
    let leaves: Vec<_> = bytes.chunks(LEAF_BYTES).map(|leaf| hash(&[&[0], leaf])).collect();
    let left = hash(&[&[1], &leaves[0], &leaves[1]]);
    let root = hash(&[&[1], &left, &leaves[2]]);
    let id = hash(&[&[2], &(bytes.len() as u64).to_le_bytes(), &root]);
    for threads in 1..4 {
        let got = model_id(&bytes, &Threads::new(threads).unwrap());
        assert_eq!(got.0.as_slice(), id, "{threads} threads");
    }
    assert_ne!(model_id(&[], &Threads::single()), model_id(&[0], &Threads::single()));
}

#[test]
fn another_model_is_refused() {
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes())).unwrap();
    let got = artifact.id(&Threads::single());
    let expected = ModelId::default();
    let error = Model::load(artifact, expected, &Threads::single()).unwrap_err();
    assert!(
        matches!(error, ArtifactError::Identity { expected: e, got: g } if e == expected && g == got)
    );
}

#[test]
fn every_truncation_is_refused() {
    let bytes = bytes();
    let ends =
        (0..bytes.len()).filter(|end| *end < 4_096 || end % 997 == 0 || *end + 8 > bytes.len());
    for end in ends {
        assert!(load(bytes[..end].to_vec()).is_err(), "{end} bytes were accepted");
    }
    let mut longer = bytes;
    longer.push(0);
    assert!(matches!(load(longer), Err(ArtifactError::Length { .. })));
}

#[test]
fn absurd_headers_are_refused_before_they_are_parsed() {
    let mut bytes = bytes();
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(load(bytes), Err(ArtifactError::TooLarge { got: u64::MAX, .. })));
    for shape in ["[18446744073709551615]", "[4294967296,4294967296,4294967296]", "[-1]", "[1.5]"] {
        let header = format!(
            r#"{{"__metadata__":{{"format":"lazvm"}},"x":{{"dtype":"I8","shape":{shape},"data_offsets":[0,1]}}}}"#
        );
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.push(0);
        assert!(load(bytes).is_err(), "{shape}");
    }
}

#[test]
fn a_header_in_another_order_is_refused() {
    let bytes = bytes();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = core::str::from_utf8(&bytes[8..8 + length]).unwrap();
    let spaced = header.replacen(":{", ": {", 1);
    let spaced = spaced.strip_suffix(' ').unwrap_or(&spaced);
    assert_eq!(spaced.len(), header.len(), "the test needs padding to take from");
    let mut changed = bytes[..8].to_vec();
    changed.extend_from_slice(spaced.as_bytes());
    changed.extend_from_slice(&bytes[8 + length..]);
    assert!(matches!(load(changed), Err(ArtifactError::NotCanonical { part: "header" })));
}

/// The bytes with one change of the tensor `name`, or of its entry in the header.
fn changed(name: &str, change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut bytes = bytes();
    let range = Artifact::new(ArtifactBytes::Owned(bytes.clone())).unwrap().tensors()[name].range();
    change(&mut bytes[range]);
    bytes
}

#[test]
fn tables_that_break_a_bound_of_the_kernels_are_refused() {
    let exp = changed("table.exp", |table| table[..2].fill(0));
    let expected = ArtifactError::Entry { table: "table.exp", got: 0, expected: 1 << 15 };
    assert_eq!(load(exp).unwrap_err().to_string(), expected.to_string());
    for (name, entry) in [("table.exp", 32_769), ("table.rsqrt", 32_769), ("table.rope", 16_385)] {
        let last = |table: &mut [u8]| {
            let start = table.len() - 2;
            table[start..].copy_from_slice(&u16::to_le_bytes(entry));
        };
        let error = load(changed(name, last)).unwrap_err();
        assert!(
            matches!(error, ArtifactError::TooLarge { got, .. } if got == u64::from(entry)),
            "{name}: {error}"
        );
    }
}

#[test]
fn a_manifest_of_another_element_is_refused() {
    let bytes = bytes();
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header = core::str::from_utf8(&bytes[8..8 + length]).unwrap();
    for name in [MANIFEST, TOKENIZER] {
        let entry = format!(r#""{name}":{{"dtype":"U8""#);
        let other = header.replace(&entry, &entry.replace("U8", "I8"));
        assert_ne!(other, header);
        let mut bytes = bytes.clone();
        bytes[8..8 + length].copy_from_slice(other.as_bytes());
        let error = load(bytes).unwrap_err();
        assert!(matches!(error, ArtifactError::Tensor { .. }), "{name}: {error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// A changed byte is refused, or makes another model: never a panic, never the same id.
    #[test]
    fn a_changed_byte_is_refused_or_another_model(
        position in any::<prop::sample::Index>(), change in 1_u8..=255,
    ) {
        let bytes = bytes();
        let id = model_id(&bytes, &Threads::single());
        let mut changed = bytes.clone();
        changed[position.index(bytes.len())] ^= change;
        if let Ok(model) = load(changed) {
            prop_assert_ne!(model.id(), id);
        }
    }

    #[test]
    fn header_bytes_are_hostile(position in any::<prop::sample::Index>(), change in 1_u8..=255) {
        let mut bytes = bytes();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        bytes[position.index(8 + length)] ^= change;
        prop_assert!(load(bytes).is_err());
    }

    #[test]
    fn random_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(load(bytes).is_err());
    }
}
