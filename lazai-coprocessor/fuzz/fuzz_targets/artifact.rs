//! Any bytes, and any change of a good artifact: refused, or a model that reads tokens without a
//! panic.

#![no_main]

use std::sync::LazyLock;

use lazai_coprocessor::{
    Session,
    artifact::{Artifact, ArtifactBytes},
    kernel::{Backend, Threads},
    model::{Model, synthetic},
    program::{LlamaShape, Target},
};
use libfuzzer_sys::fuzz_target;

/// A small model, and the parts of it that a change may hit: the header, the manifest, the
/// tokenizer and a few weights.
static BASE: LazyLock<(Vec<u8>, Vec<core::ops::Range<usize>>)> = LazyLock::new(|| {
    let shape = LlamaShape::small();
    let bytes = synthetic(&shape, 1, 16, 1).and_then(|artifact| artifact.to_bytes());
    let bytes = bytes.expect("the sizes are valid");
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes.clone())).expect("it was just written");
    let part = |name: &str| artifact.tensors()[name].range();
    let parts = [
        "manifest.json",
        "tokenizer.json",
        "layers.0.query.row_bits",
        "layers.0.query.values",
        "table.exp",
    ];
    let parts = core::iter::once(0..1_024).chain(parts.map(part)).collect();
    (bytes, parts)
});

// The tokenizer's library panics on some files, and the loader answers that with an error. The
// fuzzer's own hook would end the process before it can; a panic that nobody catches still does.
fuzz_target!(init: std::panic::set_hook(Box::new(|panic| eprintln!("{panic}"))), |data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    if kind % 4 == 0 {
        feed(data.to_vec());
        return;
    }
    let (base, parts) = &*BASE;
    let mut bytes = base.clone();
    for change in data.as_chunks::<4>().0 {
        let part = parts[usize::from(change[0]) % parts.len()].clone();
        let offset = usize::from(u16::from_le_bytes([change[1], change[2]]));
        bytes[part.start + offset % part.len()] = change[3];
    }
    feed(bytes);
});

fn feed(bytes: Vec<u8>) {
    let threads = Threads::single();
    let Ok(artifact) = Artifact::new(ArtifactBytes::Owned(bytes)) else { return };
    let Ok(model) = Model::load_untrusted(artifact, &threads) else { return };
    let _ = model.tokenizer().encode("Once upon a time");
    for target in [Target::Logits, Target::Embedding] {
        let tokens = [1, 0, 7 % model.manifest().vocabulary];
        let tokens = &tokens[..tokens.len().min(model.manifest().context as usize)];
        let bytes = model.peak_bytes(target, tokens.len() as u64);
        if !model.supports(target) || bytes.is_ok_and(|bytes| bytes > MAX_BYTES) {
            continue;
        }
        let session = Session::new(&model, target, tokens.len(), 1, Backend::detect(), &threads);
        let mut session = session.expect("a checked program has room");
        if model.manifest().vocabulary > 1 {
            session.feed(tokens, 1).expect("a checked program runs");
            let flops = model.work_rule(target).flops(tokens.len() as u64, 1);
            assert_eq!(Ok(session.flops()), flops, "the work is not the one quoted");
        }
    }
}

/// Larger models are not run.
const MAX_BYTES: u64 = 64 << 20;
