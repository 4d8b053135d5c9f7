use clap::Args;
use lazai_coprocessor::kernel::{Backend, Threads};

use crate::{error::Error, parse};

/// Threads and instructions that run a model; they change the time and nothing else.
#[derive(Args, Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Machine {
    /// How many threads to use; 0 means one for each core
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = parse::threads)]
    pub(crate) threads: usize,

    /// The processor's instructions that run integers: auto, scalar, portable, avx2 or avx512
    #[arg(long, value_name = "NAME", default_value = "auto", value_parser = parse::backend)]
    pub(crate) backend: Backend,
}

impl Machine {
    pub(crate) fn threads(&self) -> Result<Threads, Error> {
        Threads::new(self.threads).map_err(Error::Kernel)
    }
}
