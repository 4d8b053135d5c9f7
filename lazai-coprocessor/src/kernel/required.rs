//! Back ends that are required or named: what this processor or this program may lack.

use core::str::FromStr;

use super::{Backend, KernelError};

impl Backend {
    /// Passes an available back end through.
    ///
    /// # Errors
    /// [`KernelError::BackendUnavailable`] if this processor lacks the instructions.
    pub fn require(self) -> Result<Self, KernelError> {
        if self.is_available() {
            Ok(self)
        } else {
            Err(KernelError::BackendUnavailable { backend: self })
        }
    }
}

impl FromStr for Backend {
    type Err = KernelError;

    /// Reads a [`name`](Backend::name); whether the processor runs it is not asked.
    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|backend| backend.name() == name)
            .ok_or_else(|| KernelError::BackendUnknown { got: name.chars().take(32).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for backend in Backend::ALL {
            assert_eq!(backend.to_string().parse(), Ok(backend));
        }
        let long = "AVX512".repeat(100);
        let Err(KernelError::BackendUnknown { got }) = Backend::from_str(&long) else {
            panic!("an unknown name was read");
        };
        assert_eq!(got.len(), 32);
    }

    #[test]
    fn what_is_not_available_is_refused() {
        let available = Backend::available();
        for backend in Backend::ALL {
            assert_eq!(backend.require().is_ok(), available.contains(&backend));
        }
    }
}
