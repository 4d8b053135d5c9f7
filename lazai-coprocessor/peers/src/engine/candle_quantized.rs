use std::{fs::File, io::BufReader};

use candle_core::{Device, Tensor, quantized::gguf_file::Content};
use candle_transformers::models::quantized_llama::ModelWeights;

use super::interface::Engine;
use crate::{failure::Failure, workload::Workload};

/// candle's quantized Llama, from the file that llama.cpp reads.
pub struct Llama {
    workload: Workload,
    model: ModelWeights,
}

impl Llama {
    pub fn new(workload: &Workload, folder: &str) -> Result<Self, Failure> {
        let path = format!("{folder}/{}-q8_0.gguf", workload.name);
        let mut reader = BufReader::new(File::open(path)?);
        let content = Content::read(&mut reader)?;
        let model = ModelWeights::from_gguf(content, &mut reader, &Device::Cpu)?;
        Ok(Self { workload: *workload, model })
    }

    fn feed(&mut self, tokens: &[u32], position: usize) -> Result<(), Failure> {
        let tokens = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let logits = self.model.forward(&tokens, position)?;
        match logits.elem_count() == self.workload.vocabulary {
            true => Ok(()),
            false => Err("the scores have another shape".into()),
        }
    }
}

impl Engine for Llama {
    fn about(&self) -> String {
        about("Q8_0")
    }

    fn prefill(&mut self) -> Result<(), Failure> {
        self.model.clear_kv_cache();
        self.feed(&self.workload.tokens(), 0)
    }

    fn decode(&mut self) -> Result<(), Failure> {
        let prompt = self.workload.prompt;
        (0..self.workload.new)
            .try_for_each(|index| self.feed(&[Workload::token(index)], prompt + index))
    }
}

/// Returns the version of candle, and what it computes in.
pub fn about(format: &str) -> String {
    let vectors = if cfg!(target_feature = "avx512vnni") { "AVX-512 VNNI" } else { "native" };
    format!("candle 0.11, {format}, built for {vectors}")
}
