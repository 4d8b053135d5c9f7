use candle_core::{DType, Device, Tensor};
use candle_transformers::models::llama;

use super::{interface::Engine, random::weights};
use crate::{failure::Failure, workload::Workload};

/// candle's Llama in f32.
pub struct Llama {
    workload: Workload,
    model: llama::Llama,
    empty: llama::Cache,
    cache: llama::Cache,
}

impl Llama {
    pub fn new(workload: &Workload) -> Result<Self, Failure> {
        let config = llama::Config {
            hidden_size: workload.hidden,
            intermediate_size: workload.intermediate,
            vocab_size: workload.vocabulary,
            num_hidden_layers: workload.layers,
            num_attention_heads: workload.heads,
            num_key_value_heads: workload.kv_heads,
            use_flash_attn: false,
            rms_norm_eps: 1e-5,
            rope_theta: 10_000.0,
            bos_token_id: None,
            eos_token_id: None,
            rope_scaling: None,
            max_position_embeddings: workload.prompt + workload.new,
            tie_word_embeddings: false,
        };
        let empty = llama::Cache::new(true, DType::F32, &config, &Device::Cpu)?;
        let model = llama::Llama::load(weights(), &config)?;
        Ok(Self { workload: *workload, model, cache: empty.clone(), empty })
    }

    fn feed(&mut self, tokens: &[u32], position: usize) -> Result<(), Failure> {
        let tokens = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
        let logits = self.model.forward(&tokens, position, &mut self.cache)?;
        match logits.elem_count() == self.workload.vocabulary {
            true => Ok(()),
            false => Err("the scores have another shape".into()),
        }
    }
}

impl Engine for Llama {
    fn about(&self) -> String {
        super::candle_quantized::about("f32")
    }

    fn prefill(&mut self) -> Result<(), Failure> {
        self.cache = self.empty.clone();
        self.feed(&self.workload.tokens(), 0)
    }

    fn decode(&mut self) -> Result<(), Failure> {
        let prompt = self.workload.prompt;
        (0..self.workload.new)
            .try_for_each(|index| self.feed(&[Workload::token(index)], prompt + index))
    }
}
