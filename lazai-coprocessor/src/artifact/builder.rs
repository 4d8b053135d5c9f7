use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::Path,
};

use lazai_api_types::ModelId;

use super::{
    ArtifactError, Element, MANIFEST, Manifest, TOKENIZER, container::Layout, merkle::ModelHasher,
};
use crate::{
    architecture::{Architecture, FeedForward, Gelu, Positions},
    table::{self, RotaryError},
};

/// Collects what an artifact holds and writes it in canonical form.
#[derive(Clone, Debug)]
pub struct ArtifactBuilder {
    manifest: Manifest,
    tensors: BTreeMap<String, (Element, Vec<u64>)>,
    data: BTreeMap<String, Vec<u8>>,
}

impl ArtifactBuilder {
    /// Starts an artifact with its manifest and the bytes of its `tokenizer.json`.
    #[must_use]
    pub fn new(manifest: Manifest, tokenizer: Vec<u8>) -> Self {
        let mut builder = Self::network(manifest);
        builder.add(TOKENIZER.to_owned(), Element::U8, vec![tokenizer.len() as u64], tokenizer);
        builder
    }

    /// Starts an artifact of a network that reads a tensor, and so has no tokenizer.
    #[must_use]
    pub const fn network(manifest: Manifest) -> Self {
        Self { manifest, tensors: BTreeMap::new(), data: BTreeMap::new() }
    }

    /// Adds signed bytes.
    pub fn add_i8(&mut self, name: impl Into<String>, shape: Vec<u64>, data: &[i8]) {
        self.add(name.into(), Element::I8, shape, bytemuck::cast_slice(data).to_vec());
    }

    /// Adds bytes.
    pub fn add_u8(&mut self, name: impl Into<String>, shape: Vec<u64>, data: Vec<u8>) {
        self.add(name.into(), Element::U8, shape, data);
    }

    /// Adds signed 16-bit integers.
    pub fn add_i16(&mut self, name: impl Into<String>, shape: Vec<u64>, data: &[i16]) {
        let bytes = data.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.add(name.into(), Element::I16, shape, bytes);
    }

    /// Adds signed 32-bit integers.
    pub fn add_i32(&mut self, name: impl Into<String>, shape: Vec<u64>, data: &[i32]) {
        let bytes = data.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.add(name.into(), Element::I32, shape, bytes);
    }

    /// Adds unsigned 16-bit integers.
    pub fn add_u16(&mut self, name: impl Into<String>, shape: Vec<u64>, data: &[u16]) {
        let bytes = data.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.add(name.into(), Element::U16, shape, bytes);
    }

    /// Adds the tables that the program of `architecture` reads.
    ///
    /// # Errors
    /// [`RotaryError`] if there is no rotation table for this context and head width.
    pub fn add_tables(&mut self, architecture: &Architecture) -> Result<(), RotaryError> {
        let mut add = |name: &str, table: Vec<u16>| {
            self.add_u16(name, vec![table.len() as u64], &table);
        };
        add("table.exp", table::exp());
        add("table.rsqrt", table::reciprocal_sqrt());
        match architecture.feed_forward {
            FeedForward::GatedSilu => add("table.sigmoid", table::sigmoid()),
            FeedForward::Gelu(Gelu::Exact) => add("table.gelu", table::gelu()),
            FeedForward::Gelu(Gelu::Tanh) => add("table.gelu_tanh", table::gelu_tanh()),
        }
        if let Positions::Rotary(rotary) = &architecture.positions {
            let (context, head_dim) = (architecture.context, architecture.head_dim);
            let table = table::rotary(context, head_dim, rotary)?;
            let shape = vec![u64::from(context), u64::from(head_dim / 2), 2];
            self.add_i16("table.rope", shape, &table);
        }
        Ok(())
    }

    /// Encodes the artifact.
    ///
    /// # Errors
    /// [`ArtifactError`] if a tensor's data does not fill its shape, or the whole is too large.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArtifactError> {
        let mut bytes = Vec::new();
        self.write_to(&mut bytes, Path::new("memory"))?;
        Ok(bytes)
    }

    /// Computes the identity of the artifact, without its bytes in memory.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    pub fn id(&self) -> Result<ModelId, ArtifactError> {
        let mut hasher = ModelHasher::default();
        self.write_to(&mut hasher, Path::new("memory"))?;
        Ok(hasher.finish())
    }

    /// Writes the artifact to a file beside `path`, flushes it to disk and renames it, so that
    /// `path` never holds half of one.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes), and [`ArtifactError::Io`] if the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ArtifactError> {
        let error = |source| ArtifactError::Io { path: path.display().to_string(), source };
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let mut file = io::BufWriter::new(fs::File::create(&partial).map_err(error)?);
        self.write_to(&mut file, path)?;
        let file = file.into_inner().map_err(|failed| error(failed.into_error()))?;
        file.sync_all().map_err(error)?;
        fs::rename(&partial, path).map_err(error)
    }

    fn add(&mut self, name: String, element: Element, shape: Vec<u64>, bytes: Vec<u8>) {
        self.tensors.insert(name.clone(), (element, shape));
        self.data.insert(name, bytes);
    }

    fn write_to(&self, writer: &mut impl Write, path: &Path) -> Result<(), ArtifactError> {
        let error = |source| ArtifactError::Io { path: path.display().to_string(), source };
        let manifest = self.manifest.to_bytes()?;
        let mut tensors = self.tensors.clone();
        tensors.insert(MANIFEST.to_owned(), (Element::U8, vec![manifest.len() as u64]));
        let layout = Layout::new(&tensors)?;
        writer.write_all(&(layout.header.len() as u64).to_le_bytes()).map_err(error)?;
        writer.write_all(&layout.header).map_err(error)?;
        for (name, range) in &layout.tensors {
            let data = self.data.get(name).unwrap_or(&manifest);
            if data.len() as u64 != range.end - range.start {
                let (element, shape) = &tensors[name];
                return Err(ArtifactError::Tensor {
                    name: name.clone(),
                    expected: format!("{element:?} {shape:?}"),
                    got: format!("{} bytes", data.len()),
                });
            }
            writer.write_all(data).map_err(error)?;
        }
        Ok(())
    }
}
