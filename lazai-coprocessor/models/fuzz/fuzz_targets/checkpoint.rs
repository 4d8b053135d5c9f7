//! Any `config.json` and any `model.safetensors`: refused, or tensors that can be read without a
//! panic.

#![no_main]

use std::{env, fs, path::PathBuf, process, sync::LazyLock};

use lazai_models::reference::{Checkpoint, Config};
use libfuzzer_sys::fuzz_target;

const CONFIG: &str = r#"{"model_type":"llama","hidden_size":4,"num_attention_heads":1,"vocab_size":3,
    "intermediate_size":4,"num_hidden_layers":1,"max_position_embeddings":8,"rms_norm_eps":1e-5,
    "tie_word_embeddings":true}"#;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = env::temp_dir().join(format!("lazvm-fuzz-checkpoint-{}", process::id()));
    fs::create_dir_all(&folder).expect("the temporary folder can be written");
    folder
});

/// A good file with the tensors of [`CONFIG`].
static TENSORS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let config = Config::from_json(CONFIG.as_bytes()).expect("the configuration is valid");
    let mut header = String::from("{");
    let mut end = 0;
    for (name, shape) in config.tensors() {
        let start = end;
        end += 4 * shape.iter().product::<usize>();
        let comma = if start == 0 { "" } else { "," };
        header.push_str(&format!(
            r#"{comma}"{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{start},{end}]}}"#
        ));
    }
    header.push('}');
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.resize(bytes.len() + end, 0);
    bytes
});

fuzz_target!(|data: &[u8]| {
    let Some((kind, data)) = data.split_first() else { return };
    let (config, tensors) = match kind % 3 {
        0 => (data.to_vec(), TENSORS.clone()),
        1 => (CONFIG.as_bytes().to_vec(), data.to_vec()),
        _ => {
            let mut tensors = TENSORS.clone();
            for change in data.as_chunks::<3>().0 {
                let offset = usize::from(u16::from_le_bytes([change[0], change[1]]));
                let length = tensors.len();
                tensors[offset % length] = change[2];
            }
            (CONFIG.as_bytes().to_vec(), tensors)
        }
    };
    if Config::from_json(&config).is_err() {
        return;
    }
    fs::write(FOLDER.join("config.json"), config).expect("the folder can be written");
    fs::write(FOLDER.join("model.safetensors"), tensors).expect("the folder can be written");
    if let Ok(checkpoint) = Checkpoint::open(&FOLDER) {
        for (name, shape) in checkpoint.architecture().tensors() {
            if let Ok(values) = checkpoint.tensor(&name) {
                assert_eq!(values.len(), shape.iter().product::<usize>());
            }
        }
    }
});
