use lazai_coprocessor::{
    artifact::{Artifact, ArtifactBytes},
    kernel::Threads,
    model::Network,
};
use lazai_models::{
    quantize::{quantize_network, to_integers},
    reference::FloatNetwork,
};

use crate::{
    error::Error,
    options::{BuiltIn, Options},
};

/// A network of integers, and a run to prove.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) network: Network,
    /// Integers of the first sample.
    pub(crate) input: Vec<i32>,
    /// What another implementation computed of it in floating point.
    pub(crate) expected: Option<Vec<f32>>,
}

impl Run {
    /// Reads and quantizes the network that was asked for.
    pub(crate) fn load(options: &Options) -> Result<Self, Error> {
        let float = match (&options.network, options.built_in) {
            (Some(path), _) => FloatNetwork::open(path)?,
            (None, BuiltIn::Block) => FloatNetwork::read(BLOCK)?,
            (None, BuiltIn::Perceptron) => FloatNetwork::read(PERCEPTRON)?,
        };
        let threads = Threads::new(0)?;
        let bytes = quantize_network(&float, HEADROOM_BITS, &threads)?.to_bytes()?;
        let network =
            Network::load_untrusted(Artifact::new(ArtifactBytes::Owned(bytes))?, &threads)?;
        let sample = float.inputs().next().unwrap_or_default();
        let program = network.program();
        let input = program.input().map(|id| to_integers(&program.values[id.index()], sample));
        let expected = float.outputs().next().map(<[f32]>::to_vec);
        let name = float.name().to_owned();
        Ok(Self { name, input: input.unwrap_or_default(), network, expected })
    }

    /// The largest difference from what another implementation computed, and its largest number.
    pub(crate) fn error(&self, output: &[i32]) -> Option<(f64, f64)> {
        let expected = self.expected.as_ref()?;
        let id = self.network.program().logits?;
        let unit = self.network.program().values[id.index()].unit();
        let pairs = output.iter().zip(expected);
        let distance = pairs.map(|(x, y)| (f64::from(*x) * unit - f64::from(*y)).abs());
        let largest = expected.iter().map(|y| f64::from(y.abs()));
        Some((distance.fold(0.0, f64::max), largest.fold(0.0, f64::max)))
    }
}

/// Room for inputs twice as large as the samples.
const HEADROOM_BITS: u8 = 1;

static BLOCK: &[u8] = include_bytes!("../networks/block.safetensors");
static PERCEPTRON: &[u8] = include_bytes!("../networks/perceptron.safetensors");
