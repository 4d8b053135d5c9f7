use std::error::Error;

/// Why a measurement failed.
pub type Failure = Box<dyn Error + Send + Sync>;
