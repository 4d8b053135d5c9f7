use std::{collections::BTreeSet, fs::File, io::Read, path::Path};

use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::{Block, Dense, FloatNetwork, FloatNetworkError, Layers};

/// The JSON object in the metadata.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case", tag = "kind")]
enum Manifest {
    Block { name: String, heads: u32, epsilon: f64 },
    Perceptron { name: String },
}

impl FloatNetwork {
    /// Reads a file of the form that [`FloatNetwork`] describes.
    ///
    /// # Errors
    /// [`FloatNetworkError`] if the file cannot be read, is too large, or is malformed.
    pub fn open(path: &Path) -> Result<Self, FloatNetworkError> {
        let failed = |error: std::io::Error| FloatNetworkError::Io { source: error.into() };
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        Self::read(&bytes)
    }

    /// Reads the bytes of such a file.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn read(bytes: &[u8]) -> Result<Self, FloatNetworkError> {
        let manifest = manifest(bytes)?;
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| header(&error))?;
        let mut reader = Reader { tensors, used: BTreeSet::new() };
        let (name, layers) = match manifest {
            Manifest::Block { name, heads, epsilon } => {
                (name, Layers::Block(Box::new(reader.block(heads, epsilon)?)))
            }
            Manifest::Perceptron { name } => (name, Layers::Perceptron(reader.perceptron()?)),
        };
        limit("the length of the name", name.len(), 1, MAX_NAME_BYTES)?;
        let [samples, rows, width] = reader.shape("input")?;
        limit("the number of samples", samples, 1, MAX_SAMPLES)?;
        limit("the rows of a sample", rows, 1, MAX_ROWS)?;
        let mut network = Self { name, layers, rows, inputs: Vec::new(), outputs: Vec::new() };
        if width != network.width() {
            let (expected, got) = ([samples, rows, network.width()], [samples, rows, width]);
            return Err(mismatch("input", &expected, &got));
        }
        network.inputs = reader.tensor("input", &[samples, rows, width])?;
        if reader.has("output") {
            let shape = [samples, rows, network.output_width()];
            network.outputs = reader.tensor("output", &shape)?;
        }
        let names = reader.tensors.names();
        match names.into_iter().filter(|name| !reader.used.contains(*name)).min() {
            Some(name) => Err(FloatNetworkError::UnusedTensor { tensor: cut(name) }),
            None => Ok(network),
        }
    }
}

struct Reader<'a> {
    tensors: SafeTensors<'a>,
    used: BTreeSet<String>,
}

impl Reader<'_> {
    fn block(&mut self, heads: u32, epsilon: f64) -> Result<Block, FloatNetworkError> {
        let [intermediate, width] = self.shape("up")?;
        limit("the width", width, 2, MAX_WIDTH)?;
        limit("the intermediate width", intermediate, 1, MAX_WIDTH)?;
        let heads = heads as usize;
        limit("the number of heads", heads, 1, width / 2)?;
        limit("the width modulo twice the heads", width % (2 * heads), 0, 0)?;
        limit("the width of a head", width / heads, 2, MAX_HEAD_DIM)?;
        if !(0.0..=1.0).contains(&epsilon) {
            let message = format!("epsilon must be from 0 to 1, got {epsilon}");
            return Err(FloatNetworkError::Syntax { part: "manifest", message });
        }
        let mut dense = |name: &str, outputs: usize, inputs: usize| {
            let weight = self.tensor(name, &[outputs, inputs])?;
            Ok::<_, FloatNetworkError>(Dense { inputs, outputs, weight, bias: None })
        };
        Ok(Block {
            width,
            intermediate,
            heads,
            epsilon,
            query: dense("query", width, width)?,
            key: dense("key", width, width)?,
            value: dense("value", width, width)?,
            out: dense("out", width, width)?,
            up: dense("up", intermediate, width)?,
            down: dense("down", width, intermediate)?,
        })
    }

    fn perceptron(&mut self) -> Result<Vec<Dense>, FloatNetworkError> {
        let mut layers: Vec<Dense> = Vec::new();
        loop {
            let name = format!("layers.{}.weight", layers.len());
            if !layers.is_empty() && !self.has(&name) {
                return Ok(layers);
            }
            limit("the number of layers", layers.len() + 1, 1, MAX_LAYERS)?;
            let [outputs, inputs] = self.shape(&name)?;
            limit("the outputs of a layer", outputs, 1, MAX_WIDTH)?;
            limit("the inputs of a layer", inputs, 1, MAX_WIDTH)?;
            let expected = layers.last().map_or(inputs, |layer| layer.outputs);
            let weight = self.tensor(&name, &[outputs, expected])?;
            let name = format!("layers.{}.bias", layers.len());
            let bias = self.has(&name).then(|| self.tensor(&name, &[outputs])).transpose()?;
            layers.push(Dense { inputs, outputs, weight, bias });
        }
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.tensor(name).is_ok()
    }

    /// Returns the shape of a tensor of `N` dimensions.
    fn shape<const N: usize>(&self, name: &str) -> Result<[usize; N], FloatNetworkError> {
        let missing = |_| FloatNetworkError::MissingTensor { tensor: name.to_owned() };
        let tensor = self.tensors.tensor(name).map_err(missing)?;
        let got = tensor.shape();
        got.try_into().map_err(|_| FloatNetworkError::Tensor {
            tensor: name.to_owned(),
            expected: format!("of {N} dimensions"),
            got: format!("{got:?}"),
        })
    }

    fn tensor(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f32>, FloatNetworkError> {
        let missing = |_| FloatNetworkError::MissingTensor { tensor: name.to_owned() };
        let tensor = self.tensors.tensor(name).map_err(missing)?;
        if tensor.shape() != shape {
            return Err(mismatch(name, shape, tensor.shape()));
        }
        if tensor.dtype() != Dtype::F32 {
            let (expected, got) = ("F32".to_owned(), format!("{:?}", tensor.dtype()));
            return Err(FloatNetworkError::Tensor { tensor: name.to_owned(), expected, got });
        }
        let elements = tensor.data().as_chunks().0.iter();
        let elements: Vec<f32> = elements.map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if let Some(index) = elements.iter().position(|element| !element.is_finite()) {
            return Err(FloatNetworkError::NotFinite { tensor: name.to_owned(), index });
        }
        self.used.insert(name.to_owned());
        Ok(elements)
    }
}

/// Reads the metadata of a file whose lengths are bounded first.
fn manifest(bytes: &[u8]) -> Result<Manifest, FloatNetworkError> {
    let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    for (what, got, max) in [
        ("the length of the file", bytes.len() as u64, MAX_FILE_BYTES),
        ("the length of the header", length, MAX_HEADER_BYTES),
    ] {
        if got > max {
            return Err(FloatNetworkError::Limit { what, got, min: 0, max });
        }
    }
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|error| header(&error))?;
    let syntax = |message: String| FloatNetworkError::Syntax { part: "manifest", message };
    let json = metadata.metadata().as_ref().and_then(|metadata| metadata.get("network"));
    let json = json.ok_or_else(|| syntax("the metadata has no key \"network\"".to_owned()))?;
    serde_json::from_str(json).map_err(|error| syntax(error.to_string()))
}

fn header(error: &safetensors::SafeTensorError) -> FloatNetworkError {
    FloatNetworkError::Syntax { part: "header", message: error.to_string() }
}

fn mismatch(name: &str, expected: &[usize], got: &[usize]) -> FloatNetworkError {
    let (expected, got) = (format!("{expected:?}"), format!("{got:?}"));
    FloatNetworkError::Tensor { tensor: name.to_owned(), expected, got }
}

fn limit(what: &'static str, got: usize, min: usize, max: usize) -> Result<(), FloatNetworkError> {
    if (min..=max).contains(&got) {
        return Ok(());
    }
    let [got, min, max] = [got, min, max].map(|count| count as u64);
    Err(FloatNetworkError::Limit { what, got, min, max })
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

const MAX_FILE_BYTES: u64 = 256 << 20;
const MAX_HEADER_BYTES: u64 = 1 << 20;
const MAX_HEAD_DIM: usize = 256;
const MAX_LAYERS: usize = 256;
const MAX_NAME_BYTES: usize = 256;
/// As many as a bidirectional program reads.
const MAX_ROWS: usize = 1 << 13;
const MAX_SAMPLES: usize = 1 << 12;
const MAX_WIDTH: usize = 1 << 16;
