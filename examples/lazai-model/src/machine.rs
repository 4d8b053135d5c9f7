use clap::Args;
use lazai_coprocessor::kernel::{Backend, Threads};

use crate::error::Error;

/// What runs a model; it changes the time and nothing else.
#[derive(Args, Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Machine {
    /// How many threads to use; 0 means one for each core
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = threads)]
    pub(crate) threads: usize,

    /// The processor's instructions that run integers: auto, scalar, portable, avx2 or avx512
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = backend)]
    pub(crate) backend: Backend,
}

impl Machine {
    pub(crate) fn threads(&self) -> Result<Threads, Error> {
        Threads::new(self.threads).map_err(Error::Kernel)
    }
}

fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count <= Threads::MAX => Ok(count),
        _ => Err(format!("expected a number from 0 to {}, got {text:?}", Threads::MAX)),
    }
}

fn backend(text: &str) -> Result<Backend, String> {
    if text == "auto" {
        return Ok(Backend::detect());
    }
    let backend: Backend = text
        .parse()
        .map_err(|_| format!("expected auto, scalar, portable, avx2 or avx512, got {text:?}"))?;
    backend.require().map_err(|_| {
        let names: Vec<_> = Backend::available().into_iter().map(Backend::name).collect();
        format!("this processor lacks {backend}; it has {}", names.join(", "))
    })
}
