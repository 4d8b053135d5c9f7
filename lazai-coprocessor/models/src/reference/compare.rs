//! The integers beside floating point, on the same text.

use core::ops::AddAssign;

use lazai_coprocessor::{
    ExecutionError, Session,
    kernel::{Backend, Threads},
    model::Model,
    program::Target,
};

use super::{Perplexity, arithmetic::exp, perplexity::Softmax};

/// The distance of the integers from floating point in predicting the same text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The perplexity of floating point.
    pub float: Perplexity,
    /// The perplexity of the integers.
    pub integer: Perplexity,
    /// Predictions whose best token is the same, the first of equals.
    pub agreed: u64,
    /// Sum of the Kullback-Leibler divergences of the integers from floating point, in nats.
    pub divergence: f64,
}

impl Comparison {
    /// Returns integer perplexity over that of floating point; 1 if nothing was predicted.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.integer.value() / self.float.value()
    }

    /// Returns the share of the predictions whose best token is the same; 1 if nothing was
    /// predicted.
    #[must_use]
    pub fn agreement(&self) -> f64 {
        if self.float.predictions == 0 {
            return 1.0;
        }
        self.agreed as f64 / self.float.predictions as f64
    }

    /// Returns the mean Kullback-Leibler divergence of the integers from floating point, in nats; 0
    /// if nothing was predicted.
    #[must_use]
    pub fn mean_divergence(&self) -> f64 {
        self.divergence / self.float.predictions.max(1) as f64
    }

    fn add(&mut self, float: &[f32], integer: &[f64], token: u32) {
        let (float_softmax, integer_softmax) = (Softmax::new(float), Softmax::new(integer));
        self.float.add(float_softmax.loss_of(float, token));
        self.integer.add(integer_softmax.loss_of(integer, token));
        self.agreed += u64::from(best(float) == best(integer));
        for (float, integer) in float.iter().zip(integer) {
            let (loss, other) =
                (float_softmax.loss((*float).into()), integer_softmax.loss(*integer));
            self.divergence += exp(-loss) * (other - loss);
        }
    }
}

/// Joins the measures of two texts.
impl AddAssign for Comparison {
    fn add_assign(&mut self, other: Self) {
        self.float.loss += other.float.loss;
        self.float.predictions += other.float.predictions;
        self.integer.loss += other.integer.loss;
        self.integer.predictions += other.integer.predictions;
        self.agreed += other.agreed;
        self.divergence += other.divergence;
    }
}

/// Measures how far integers are from floating point in predicting `tokens`.
///
/// The text is cut into windows as [`perplexity`](super::perplexity()) cuts it. `float` and
/// `integer` give the scores of the next token after each token of a window,
/// `[tokens, vocabulary]`, at the scale of natural logarithms: see
/// [`ReferenceModel::forward`](super::ReferenceModel::forward) and [`integer_scores`].
///
/// # Errors
/// The first error of `float` or `integer`.
pub fn compare<E>(
    tokens: &[u32],
    window: usize,
    mut float: impl FnMut(&[u32]) -> Result<Vec<f32>, E>,
    mut integer: impl FnMut(&[u32]) -> Result<Vec<f64>, E>,
) -> Result<Comparison, E> {
    let mut comparison = Comparison::default();
    for window in tokens.chunks(window.max(1)).filter(|window| window.len() > 1) {
        let (float, integer) = (float(window)?, integer(window)?);
        let vocabulary = (float.len() / window.len()).max(1);
        let rows = float.chunks_exact(vocabulary).zip(integer.chunks_exact(vocabulary));
        for ((float, integer), token) in rows.zip(&window[1..]) {
            comparison.add(float, integer, *token);
        }
    }
    Ok(comparison)
}

/// Computes the scores that an integer model gives to the token after each of `tokens`,
/// `[tokens, vocabulary]`, as real numbers at the scale of natural logarithms.
///
/// # Errors
/// [`ExecutionError`] if the tokens do not fit the model's context or vocabulary, or the machine
/// cannot run it.
pub fn integer_scores(
    model: &Model,
    tokens: &[u32],
    backend: Backend,
    threads: &Threads,
) -> Result<Vec<f64>, ExecutionError> {
    let program = &model.manifest().program;
    let unit = program.logits.map_or(1.0, |id| program.values[id.index()].unit());
    let (capacity, step) = (tokens.len(), tokens.len().clamp(1, Model::STEP_TOKENS));
    let mut session = Session::new(model, Target::Logits, capacity, step, backend, threads)?;
    let mut scores = Vec::new();
    for tokens in tokens.chunks(step) {
        session.feed(tokens, tokens.len())?;
        scores.extend(session.logits()?.iter().map(|score| f64::from(*score) * unit));
    }
    Ok(scores)
}

/// Returns the place of the best score, the first of equals.
fn best<T: Copy + Into<f64>>(scores: &[T]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, score) in scores.iter().enumerate() {
        let score = (*score).into();
        if score > best.1 {
            best = (index, score);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use lazai_coprocessor::{
        artifact::{Artifact, ArtifactBytes},
        model::synthetic,
        program::LlamaShape,
    };

    #[test]
    fn equal_scores_do_not_diverge() {
        let tokens = [3, 1, 4, 1, 5, 2, 6, 5];
        let row = [0.5_f32, -1.0, 2.0, 0.0, 1.0, 3.0, -2.0];
        let float = |window: &[u32]| Ok::<_, ()>(row.repeat(window.len()));
        let integer = |window: &[u32]| {
            Ok(row.repeat(window.len()).into_iter().map(f64::from).collect::<Vec<_>>())
        };
        let got = compare(&tokens, 3, float, integer).unwrap();
        assert_eq!((got.float.predictions, got.integer.predictions), (5, 5));
        assert_eq!(got.float, super::super::perplexity(&tokens, 3, float).unwrap());
        assert_eq!((got.ratio(), got.agreement(), got.mean_divergence()), (1.0, 1.0, 0.0));
    }

    #[test]
    fn divergence_is_that_of_kullback_and_leibler() {
        // Probabilities 1/2, 1/4, 1/4 against thirds.
        let float = |window: &[u32]| Ok::<_, ()>([2_f32.ln(), 0.0, 0.0].repeat(window.len()));
        let integer = |window: &[u32]| Ok([0.0, 0.0, 0.0].repeat(window.len()));
        let got = compare(&[0, 1, 0], 8, float, integer).unwrap();
        let expected = 0.5 * 1.5_f64.ln() + 2.0 * 0.25 * 0.75_f64.ln();
        assert!((got.mean_divergence() - expected).abs() < 1e-7, "{got:?}");
        assert_eq!(got.agreed, 2);
        assert!((got.float.value() - 8_f64.sqrt()).abs() < 1e-6, "{got:?}");
        assert!((got.integer.value() - 3.0).abs() < 1e-12, "{got:?}");
        let mut twice = got;
        twice += got;
        assert_eq!((twice.ratio(), twice.agreement()), (got.ratio(), 1.0));
        assert_eq!((twice.agreed, twice.divergence), (4, 2.0 * got.divergence));
    }

    #[test]
    fn another_best_token_is_no_agreement() {
        let float = |window: &[u32]| Ok::<_, ()>([1_f32, 1.0].repeat(window.len()));
        let integer = |window: &[u32]| Ok([0.0, 1.0].repeat(window.len()));
        let got = compare(&[0, 1, 0], 8, float, integer).unwrap();
        assert_eq!((got.agreement(), got.float.predictions), (0.0, 2));
        assert!(got.mean_divergence() > 0.0);
    }

    #[test]
    fn nothing_predicted_is_no_difference() {
        let float = |_: &[u32]| Err::<Vec<f32>, _>("float");
        let integer = |_: &[u32]| Err::<Vec<f64>, _>("integer");
        let got = compare(&[1], 4, float, integer).unwrap();
        assert_eq!((got.ratio(), got.agreement(), got.mean_divergence()), (1.0, 1.0, 0.0));
        assert_eq!(compare(&[1, 2], 4, float, integer), Err("float"));
    }

    #[test]
    fn scores_of_long_windows_are_those_of_one_step_after_the_other() {
        let shape = LlamaShape::small();
        let bytes = synthetic(&shape, 1, 512, 1).unwrap().to_bytes().unwrap();
        let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
        let threads = Threads::single();
        let model = Model::load_untrusted(artifact, &threads).unwrap();
        let tokens: Vec<u32> = (0..300).map(|i| i * 7 % 258).collect();
        let scores = integer_scores(&model, &tokens, Backend::Scalar, &threads).unwrap();
        assert_eq!(scores.len(), 300 * 258);
        let mut session =
            Session::new(&model, Target::Logits, 300, 1, Backend::Scalar, &threads).unwrap();
        session.feed(&tokens, 1).unwrap();
        let program = &model.manifest().program;
        let unit = program.values[program.logits.unwrap().index()].unit();
        let last = session.logits().unwrap().iter().map(|score| f64::from(*score) * unit);
        assert!(last.eq(scores[299 * 258..].iter().copied()));
    }
}
