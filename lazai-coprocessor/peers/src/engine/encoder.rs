use candle_core::{Device, Tensor};
use candle_transformers::models::bert;

use super::{interface::Engine, random::weights};
use crate::{failure::Failure, workload::Workload};

/// candle's BERT in f32, to the unit vector of the mean.
pub struct Bert {
    workload: Workload,
    model: bert::BertModel,
}

impl Bert {
    pub fn new(workload: &Workload) -> Result<Self, Failure> {
        let config = bert::Config {
            vocab_size: workload.vocabulary,
            hidden_size: workload.hidden,
            num_hidden_layers: workload.layers,
            num_attention_heads: workload.heads,
            intermediate_size: workload.intermediate,
            max_position_embeddings: workload.context(),
            ..bert::Config::default()
        };
        Ok(Self { workload: *workload, model: bert::BertModel::load(weights(), &config)? })
    }
}

impl Engine for Bert {
    fn about(&self) -> String {
        super::candle_quantized::about("f32")
    }

    fn prefill(&mut self) -> Result<(), Failure> {
        let tokens = Tensor::new(self.workload.tokens(), &Device::Cpu)?.unsqueeze(0)?;
        let states = self.model.forward(&tokens, &tokens.zeros_like()?, None)?;
        let mean = states.mean(1)?;
        let unit = mean.broadcast_div(&mean.sqr()?.sum_keepdim(1)?.sqrt()?)?;
        match unit.elem_count() == self.workload.hidden {
            true => Ok(()),
            false => Err("the vector has another shape".into()),
        }
    }

    fn decode(&mut self) -> Result<(), Failure> {
        Err("an encoder does not decode".into())
    }
}
