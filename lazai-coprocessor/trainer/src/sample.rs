//! Greedy continuation in floats: the reference that the integer model is read against.

use burn::{
    module::Module,
    tensor::{Device, Int, Tensor, TensorData},
};

use crate::{TrainError, TrainedModel, export::EOS, model::Positions};

impl TrainedModel {
    /// Continues `prompt` by the likeliest token each time, until a turn ends or `limit` tokens
    /// are written.
    ///
    /// The whole text is read again for each token, which is slow and simple. Text and
    /// continuation must fit the context; what does not is not written.
    ///
    /// # Errors
    /// [`TrainError::Tensor`] if the logits cannot be read back.
    pub fn continue_greedily(&self, prompt: &[u32], limit: usize) -> Result<Vec<u32>, TrainError> {
        let device = Device::flex();
        let decoder = self.decoder.valid();
        let mut tokens: Vec<i32> = prompt.iter().map(|&token| token as i32).collect();
        let mut written = Vec::new();
        while written.len() < limit && !tokens.is_empty() && tokens.len() < self.shape.context {
            let length = tokens.len();
            let positions = Positions::new(&self.shape, length, &device);
            let input =
                Tensor::<2, Int>::from_data(TensorData::new(tokens.clone(), [1, length]), &device);
            let logits = decoder.forward(&self.shape, &positions, input);
            let best = logits.narrow(0, length - 1, 1).argmax(1).reshape([1]);
            let best: i64 = best.try_into_scalar().map_err(|error| TrainError::Tensor {
                name: "the logits".into(),
                reason: error.to_string(),
            })?;
            let token = best as u32;
            if token == EOS {
                break;
            }
            written.push(token);
            tokens.push(token as i32);
        }
        Ok(written)
    }
}
