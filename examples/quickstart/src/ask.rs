use std::{io::Write, sync::Arc, time::Instant};

use lazai_api_types::{FinishReason, ModelId, Output, TokenId};
use lazai_coprocessor::{
    Cpu,
    artifact::{Artifact, ArtifactBytes},
    kernel::Threads,
};

use crate::{
    chain::{BLOCK_GAS, Chain},
    error::Error,
    options::Options,
    report::{Loaded, Paid, Quoted},
};

/// Loads the model, deploys the contract, tells the price, asks, and tells what it cost.
pub(crate) fn ask(options: &Options) -> Result<(), Error> {
    let start = Instant::now();
    let (device, model) = load(options)?;
    let device = Arc::new(device);
    let load_time = start.elapsed();

    let mut chain = Chain::start(Arc::clone(&device), model.0, options.raw)?;
    let loaded = Loaded::new(&device, model, &chain, load_time);
    if !options.json {
        show(&loaded.text(&options.prompt));
    }

    let start = Instant::now();
    let price = chain.price(options)?;
    let quoted = Quoted { price, time: start.elapsed() };
    let total = quoted.total();
    if total > BLOCK_GAS {
        return Err(Error::BlockGas { got: total, max: BLOCK_GAS });
    }
    if !options.json {
        show(&quoted.text());
    }

    let gas_limit = chain.estimate(options)?;
    let answer = chain.ask(options, gas_limit)?;
    let returned = &answer.returned;
    let output = Output::Generated {
        tokens: returned.tokens.iter().copied().map(TokenId).collect(),
        text: returned.answer.clone(),
        finish: if returned.finish == 0 { FinishReason::Length } else { FinishReason::Stop },
    };
    let stored = chain.stored(returned.id)? == returned.answer;
    let paid = Paid { answer: &answer, output_hash: output.hash(), stored };
    if options.json {
        show(&format!("{}\n", loaded.json(options, &quoted, &paid)));
    } else {
        show(&paid.text(&quoted));
    }
    Ok(())
}

fn load(options: &Options) -> Result<(Cpu, ModelId), Error> {
    let threads = Threads::new(options.threads)?;
    let failed = |source| Error::Model { path: options.model.clone(), source };
    let builder = Cpu::builder().backend(options.backend).threads(threads);
    let loaded = match &options.model {
        Some(path) => builder.open(path),
        None => Artifact::new(ArtifactBytes::Static(STORYTELLER)).and_then(|it| builder.load(it)),
    };
    let device = loaded.map_err(failed)?.build()?;
    let model = device.models().next().unwrap_or_default();
    Ok((device, model))
}

/// Writes at once, so that the price is read while the model runs; a reader who left is no error.
fn show(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// The model of `examples/storyteller`.
static STORYTELLER: &[u8] = include_bytes!("../../storyteller/model/storyteller.safetensors");
