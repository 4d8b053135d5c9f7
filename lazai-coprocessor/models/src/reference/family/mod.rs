//! The families of checkpoints: all that differs from one to another, in one file for each.
//!
//! A new family is a file here and a row of [`Family::ALL`]. What it computes must be an
//! [`Architecture`](lazai_coprocessor::architecture::Architecture), which all families share.

mod bert;
mod gelu;
mod gpt2;
mod llama;
mod reading;
mod rules;

pub use rules::{Config, Family, FamilyRules};

impl Family {
    /// The families that are read: BERT; GPT-2; Llama, Mistral, Qwen2 and Qwen3.
    pub const ALL: &'static [Self] =
        &[Self::new(&bert::Bert), Self::new(&gpt2::Gpt2), Self::new(&llama::Llama)];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Family, FamilyRules};
    use crate::reference::Config;

    #[test]
    fn each_word_means_one_family() {
        let rules = || Family::ALL.iter().map(|family| family.rules());
        let types: Vec<_> = rules().flat_map(FamilyRules::model_types).collect();
        let architectures: Vec<_> = rules().flat_map(FamilyRules::gguf_architectures).collect();
        let names: Vec<_> = rules().map(FamilyRules::name).collect();
        assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len());
        assert_eq!(architectures.iter().collect::<BTreeSet<_>>().len(), architectures.len());
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn messages_list_what_is_read() {
        let json = br#"{"model_type": "mamba"}"#;
        let error = Config::from_json(json).unwrap_err().to_string();
        assert!(error.contains("bert, gpt2, llama, mistral, qwen2 or qwen3"), "{error}");
    }
}
