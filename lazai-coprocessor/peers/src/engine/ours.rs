use std::path::Path;

use lazai_coprocessor::{
    Session,
    architecture::Architecture,
    artifact::Artifact,
    kernel::{Backend, Threads},
    model::{Model, synthetic_transformer},
    program::{LlamaShape, Target},
};

use super::interface::Engine;
use crate::{
    failure::Failure,
    workload::{Kind, Workload},
};

/// The integer engine of this repository.
pub struct Ours {
    workload: Workload,
    target: Target,
    threads: Threads,
    backend: Backend,
    // Lives until the process ends, so that the session can borrow it.
    model: &'static Model,
    session: Session<'static>,
}

impl Ours {
    pub fn new(
        workload: &Workload,
        backend: Backend,
        threads: usize,
        folder: &str,
    ) -> Result<Self, Failure> {
        let path = format!("{folder}/{}.safetensors", workload.name);
        if !Path::new(&path).exists() {
            synthetic_transformer(&architecture(workload), 1)?.write(Path::new(&path))?;
        }
        let threads = Threads::new(threads)?;
        let model = Model::load_untrusted(Artifact::open(Path::new(&path))?, &threads)?;
        let model: &'static Model = Box::leak(Box::new(model));
        let target = match workload.kind {
            Kind::Encoder => Target::Embedding,
            Kind::Llama => Target::Logits,
        };
        let session = session(workload, model, target, backend, &threads)?;
        Ok(Self { workload: *workload, target, threads, backend, model, session })
    }
}

impl Engine for Ours {
    fn about(&self) -> String {
        format!("lazai-coprocessor, A16W8, {}", self.backend)
    }

    fn prefill(&mut self) -> Result<(), Failure> {
        // Part of the measurement: memory is planned and reserved anew for each sequence.
        let (model, threads) = (self.model, &self.threads);
        self.session = session(&self.workload, model, self.target, self.backend, threads)?;
        self.session.feed(&self.workload.tokens(), 1)?;
        let length = match self.target {
            Target::Embedding => self.session.embedding()?.len(),
            Target::Logits => self.session.logits()?.len(),
        };
        match length == self.workload.hidden || length == self.workload.vocabulary {
            true => Ok(()),
            false => Err("the result has another shape".into()),
        }
    }

    fn decode(&mut self) -> Result<(), Failure> {
        for index in 0..self.workload.new {
            self.session.feed(&[Workload::token(index)], 1)?;
            self.session.logits()?;
        }
        Ok(())
    }
}

fn session(
    workload: &Workload,
    model: &'static Model,
    target: Target,
    backend: Backend,
    threads: &Threads,
) -> Result<Session<'static>, Failure> {
    let positions = workload.prompt + workload.new;
    Ok(Session::new(model, target, positions, 1, backend, threads)?)
}

fn architecture(workload: &Workload) -> Architecture {
    let shape = LlamaShape {
        vocabulary: workload.vocabulary as u32,
        hidden: workload.hidden as u32,
        intermediate: workload.intermediate as u32,
        heads: workload.heads as u32,
        kv_heads: workload.kv_heads as u32,
        head_dim: workload.head_dim() as u32,
        tied: false,
    };
    let (layers, context) = (workload.layers as u32, workload.context() as u32);
    match workload.kind {
        Kind::Encoder => shape.encoder(layers, context),
        Kind::Llama => shape.architecture(layers, context),
    }
}
