//! The training loop.

use core::ops::ControlFlow;
use std::{thread, time::Instant};

use burn::{
    module::Module,
    optim::{AdamWConfig, GradientsAccumulator, GradientsParams, ModuleOptimizer},
    tensor::{Device, Int, Tensor, TensorData, activation::log_softmax},
};

use crate::{
    Dataset, TrainConfig, TrainError, TrainedModel,
    model::{Decoder, Positions},
};

/// The progress of a run, after each step.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Optimizer steps that are done.
    pub step: usize,
    /// Optimizer steps of the whole run.
    pub steps: usize,
    /// Mean cross entropy of this step's tokens, in nats.
    pub loss: f32,
    /// Mean cross entropy of the held-out rows, where this step measured it.
    pub validation: Option<f32>,
    /// Tokens trained on per second since the start.
    pub tokens_per_second: f64,
    /// Learning rate of this step.
    pub learning_rate: f64,
}

/// Trains a decoder on `data` and measures it on `held_out`.
///
/// `report` is called after each step and may end the run early; the model so far is then
/// returned.
///
/// # Errors
/// [`TrainError::Config`], [`TrainError::DataTooSmall`] and [`TrainError::TokenOutOfRange`] before
/// the first step, [`TrainError::Diverged`] and [`TrainError::Tensor`] from one.
pub fn train(
    config: &TrainConfig,
    data: &Dataset,
    held_out: &Dataset,
    mut report: impl FnMut(&Progress) -> ControlFlow<()>,
) -> Result<TrainedModel, TrainError> {
    config.validate()?;
    for dataset in [data, held_out] {
        check(config, dataset)?;
    }
    let mut run = Run::new(config);
    let started = Instant::now();
    for step in 0..config.steps {
        let learning_rate = config.learning_rate_at(step);
        let loss = run.step(data, step, learning_rate)?;
        if !loss.is_finite() {
            return Err(TrainError::Diverged { step });
        }
        let last = step + 1 == config.steps;
        let measure = last || (step + 1).is_multiple_of(config.validate_every);
        let validation = if measure { Some(run.validate(held_out)?) } else { None };
        let tokens = (step + 1) * config.batch * config.shape.context;
        let progress = Progress {
            step: step + 1,
            steps: config.steps,
            loss,
            validation,
            tokens_per_second: tokens as f64 / started.elapsed().as_secs_f64(),
            learning_rate,
        };
        if report(&progress).is_break() {
            break;
        }
    }
    Ok(TrainedModel::new(config.shape, run.decoder))
}

fn check(config: &TrainConfig, data: &Dataset) -> Result<(), TrainError> {
    if data.length() != config.shape.context {
        return Err(TrainError::Config { field: "context", expected: "the length of the rows" });
    }
    if data.len() < config.batch {
        return Err(TrainError::DataTooSmall { expected: config.batch, got: data.len() });
    }
    let vocab = config.shape.vocab;
    match data.max_token() {
        Some(got) if got as usize >= vocab => Err(TrainError::TokenOutOfRange { got, vocab }),
        _ => Ok(()),
    }
}

/// The state that steps change.
struct Run<'a> {
    config: &'a TrainConfig,
    decoder: Decoder,
    optimizer: ModuleOptimizer,
    positions: Positions,
    device: Device,
}

impl<'a> Run<'a> {
    fn new(config: &'a TrainConfig) -> Self {
        let device = Device::flex().autodiff();
        let optimizer = AdamWConfig::new()
            .with_beta_1(0.9)
            .with_beta_2(0.95)
            .with_epsilon(1e-8)
            .with_weight_decay(config.weight_decay)
            .with_grad_clipping(Some(burn::grad_clipping::GradientClippingConfig::Norm(
                config.clip,
            )))
            .init();
        Self {
            config,
            decoder: Decoder::new(&config.shape, config.seed, &device),
            optimizer,
            positions: Positions::new(&config.shape, config.shape.context, &Device::flex()),
            device,
        }
    }

    /// Makes one optimizer step; returns the mean loss of its tokens.
    ///
    /// Each shard works on a replica whose leaves are its own, so that the autodiff graphs stay
    /// apart and their backward passes run at the same time.
    fn step(&mut self, data: &Dataset, step: usize, learning_rate: f64) -> Result<f32, TrainError> {
        let (config, positions, device) = (self.config, &self.positions, &self.device);
        let rows = config.batch / config.shards;
        let replicas: Vec<Decoder> =
            (0..config.shards).map(|_| self.decoder.clone().fork(device)).collect();
        let parts: Vec<Result<(f32, GradientsParams), TrainError>> = thread::scope(|scope| {
            let workers: Vec<_> = replicas
                .into_iter()
                .enumerate()
                .map(|(shard, replica)| {
                    scope.spawn(move || {
                        let first = step * config.batch + shard * rows;
                        let loss =
                            cross_entropy(config, &replica, positions, data, first, rows, device)
                                / config.shards as f64;
                        let value = scalar(&loss)?;
                        Ok((value, GradientsParams::from_grads(loss.backward(), &replica)))
                    })
                })
                .collect();
            // A panic of a shard is a defect of the trainer, so it goes on here.
            let resume = |panic| std::panic::resume_unwind(panic);
            workers.into_iter().map(|worker| worker.join().unwrap_or_else(resume)).collect()
        });
        let mut gradients = GradientsAccumulator::new();
        let mut loss = 0.0;
        for part in parts {
            let (value, part) = part?;
            loss += value;
            gradients.accumulate(&self.decoder, part);
        }
        self.decoder = self.optimizer.step(learning_rate, self.decoder.clone(), gradients.grads());
        Ok(loss)
    }

    /// Computes the mean loss of all held-out rows that fill a batch.
    fn validate(&self, held_out: &Dataset) -> Result<f32, TrainError> {
        let (config, device) = (self.config, Device::flex());
        let decoder = self.decoder.valid();
        let batches = held_out.len() / config.batch;
        let mut total = 0.0;
        for batch in 0..batches {
            let first = batch * config.batch;
            let loss = cross_entropy(
                config,
                &decoder,
                &self.positions,
                held_out,
                first,
                config.batch,
                &device,
            );
            total += scalar(&loss)?;
        }
        Ok(total / batches as f32)
    }
}

/// Computes the mean cross entropy of `rows` rows from `first` on.
fn cross_entropy(
    config: &TrainConfig,
    decoder: &Decoder,
    positions: &Positions,
    data: &Dataset,
    first: usize,
    rows: usize,
    device: &Device,
) -> Tensor<1> {
    let (inputs, targets) = data.rows(first, rows);
    let count = targets.len();
    let inputs =
        Tensor::<2, Int>::from_data(TensorData::new(inputs, [rows, data.length()]), device);
    let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [count, 1]), device);
    let logits = decoder.forward(&config.shape, positions, inputs);
    -log_softmax(logits, 1).gather(1, targets).mean()
}

fn scalar(loss: &Tensor<1>) -> Result<f32, TrainError> {
    loss.clone()
        .try_into_scalar()
        .map_err(|error| TrainError::Tensor { name: "the loss".into(), reason: error.to_string() })
}
