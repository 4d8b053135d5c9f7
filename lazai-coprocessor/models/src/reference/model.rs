use lazai_coprocessor::{
    architecture::{Architecture, Head, Pooling},
    kernel::Threads,
};

use super::{
    Checkpoint, Observer, Perplexity, Point, ReferenceError,
    forward::{Embeddings, FinalNorm, Forward, Layer},
    perplexity,
};

/// A transformer in 32-bit floating point, with all its weights in memory.
///
/// The same weights and tokens give the same bits on every machine, with any number of threads.
#[derive(Debug)]
pub struct ReferenceModel {
    forward: Forward,
    embeddings: Embeddings,
    layers: Vec<Layer>,
    last: FinalNorm,
    /// The output projection, if it is not the embedding.
    head: Option<Vec<f32>>,
}

impl ReferenceModel {
    /// Reads all weights of a checkpoint into memory.
    ///
    /// # Errors
    /// [`ReferenceError`] if a tensor cannot be read or holds a number that is not finite.
    pub fn new(checkpoint: &Checkpoint, threads: Threads) -> Result<Self, ReferenceError> {
        let architecture = checkpoint.architecture().clone();
        let own = architecture.head == Head::Own;
        let layers = (0..architecture.layers).map(|index| Layer::load(checkpoint, index));
        Ok(Self {
            embeddings: Embeddings::load(checkpoint)?,
            layers: layers.collect::<Result<_, _>>()?,
            last: FinalNorm::load(checkpoint)?,
            head: own.then(|| checkpoint.tensor("head")).transpose()?,
            forward: Forward::new(architecture, threads)?,
        })
    }

    /// Returns the shape of the network.
    #[must_use]
    pub const fn architecture(&self) -> &Architecture {
        &self.forward.architecture
    }

    /// Computes the scores of the token after each of `tokens`, `[tokens, vocabulary]`; none if the
    /// network only embeds.
    ///
    /// # Errors
    /// [`ReferenceError::Token`] if a token is outside the vocabulary, [`ReferenceError::Length`]
    /// if there are more tokens than positions; the observer has then seen nothing.
    pub fn forward(
        &self,
        tokens: &[u32],
        observer: &mut dyn Observer,
    ) -> Result<Vec<f32>, ReferenceError> {
        let normed = self.rows(tokens, observer)?;
        if self.architecture().head == Head::None {
            return Ok(Vec::new());
        }
        let head = self.head.as_ref().unwrap_or(&self.embeddings.tokens);
        let logits = self.forward.scores(head, &normed);
        observer.observe(Point::Logits, &logits);
        Ok(logits)
    }

    /// Computes the unit vector of a text, `[hidden]`; zeros if there are no tokens.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, ReferenceError> {
        let hidden = self.architecture().hidden as usize;
        let rows = self.rows(tokens, &mut ())?;
        let pooled: Vec<f64> = match self.architecture().pooling {
            Pooling::First => rows.iter().take(hidden).map(|x| f64::from(*x)).collect(),
            Pooling::Last => {
                rows.iter().skip(rows.len().saturating_sub(hidden)).map(|x| f64::from(*x)).collect()
            }
            Pooling::Mean => {
                let mut sums = vec![0.0; hidden];
                for row in rows.chunks_exact(hidden) {
                    for (sum, x) in sums.iter_mut().zip(row) {
                        *sum += f64::from(*x);
                    }
                }
                sums
            }
        };
        let length = pooled.iter().map(|x| x * x).sum::<f64>().sqrt();
        let length = if length > 0.0 { length } else { 1.0 };
        #[expect(clippy::cast_possible_truncation, reason = "rounds to the nearest f32")]
        let unit = pooled.iter().map(|x| (x / length) as f32).collect();
        Ok(unit)
    }

    /// Measures how well the model predicts `tokens`, in windows as
    /// [`perplexity`](super::perplexity()) cuts them.
    ///
    /// # Errors
    /// As [`forward`](Self::forward).
    pub fn perplexity(&self, tokens: &[u32], window: usize) -> Result<Perplexity, ReferenceError> {
        perplexity(tokens, window, |tokens| self.forward(tokens, &mut ()))
    }

    /// Computes the rows behind the last norm.
    fn rows(
        &self,
        tokens: &[u32],
        observer: &mut dyn Observer,
    ) -> Result<Vec<f32>, ReferenceError> {
        let mut residual = self.forward.embed(&self.embeddings, tokens, observer)?;
        for (index, layer) in (0..).zip(&self.layers) {
            self.forward.layer(layer, index, &mut residual, observer);
        }
        Ok(self.forward.last_norm(&self.last, &residual, observer))
    }
}
