use serde::{Deserialize, Serialize};

use super::ArtifactError;
use crate::program::Program;

/// The version of docs/numerics.md that this build runs.
pub const SPEC_VERSION: u32 = 1;

/// What a model is and computes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the numerics.
    pub spec: u32,
    /// A name for people; it says nothing about identity.
    pub name: String,
    /// Most positions of a sequence.
    pub context: u32,
    /// Tokens of the vocabulary; 0 if the program reads a tensor instead of tokens.
    pub vocabulary: u32,
    /// Tokens that end a text.
    pub end_tokens: Vec<u32>,
    /// What the model computes.
    pub program: Program,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`ArtifactError`] if it is too large, does not parse, is not canonical, or is out of range.
    pub fn read(bytes: &[u8]) -> Result<Self, ArtifactError> {
        if bytes.len() > MAX_BYTES {
            let (what, got) = ("the manifest's length", bytes.len() as u64);
            return Err(ArtifactError::TooLarge { what, got, max: MAX_BYTES as u64 });
        }
        let syntax = |error: serde_json::Error| ArtifactError::Syntax {
            part: "manifest",
            message: error.to_string(),
        };
        let version: Version = serde_json::from_slice(bytes).map_err(syntax)?;
        if version.spec != SPEC_VERSION {
            let (expected, got) = (SPEC_VERSION, version.spec);
            return Err(ArtifactError::SpecVersion { expected, got });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(syntax)?;
        if manifest.to_bytes()? != bytes {
            return Err(ArtifactError::NotCanonical { part: "manifest" });
        }
        manifest.check()?;
        Ok(manifest)
    }

    /// Encodes the manifest in its one canonical form.
    ///
    /// # Errors
    /// [`ArtifactError::Syntax`] if the manifest cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArtifactError> {
        serde_json::to_vec(self)
            .map_err(|error| ArtifactError::Syntax { part: "manifest", message: error.to_string() })
    }

    fn check(&self) -> Result<(), ArtifactError> {
        field("name", self.name.len() as u64, 1, 256)?;
        field("context", u64::from(self.context), 1, MAX_CONTEXT)?;
        let reads_tokens = self.program.input().is_none();
        let (min, max) = if reads_tokens { (1, MAX_VOCABULARY) } else { (0, 0) };
        field("vocabulary", u64::from(self.vocabulary), min, max)?;
        field("end_tokens", self.end_tokens.len() as u64, 0, if reads_tokens { 64 } else { 0 })?;
        for token in &self.end_tokens {
            field("end_tokens", u64::from(*token), 0, u64::from(self.vocabulary) - 1)?;
        }
        self.program.check()?;
        if self.program.reads_whole() {
            field("context", u64::from(self.context), 1, MAX_WHOLE_CONTEXT)?;
        }
        Ok(())
    }
}

/// What is read before the version is known.
#[derive(Deserialize)]
struct Version {
    spec: u32,
}

const fn field(field: &'static str, got: u64, min: u64, max: u64) -> Result<(), ArtifactError> {
    if got < min || got > max {
        return Err(ArtifactError::Field { field, got, min, max });
    }
    Ok(())
}

/// Largest manifest, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// Most positions that the bounds of the attention kernel allow.
const MAX_CONTEXT: u64 = 1 << 17;

/// Most positions of a sequence that is read in one step.
const MAX_WHOLE_CONTEXT: u64 = 1 << 13;

const MAX_VOCABULARY: u64 = 1 << 20;
