//! Three base fees that move from block to block, and where they stand in the state.

mod executor;
mod importer;
mod policy;
mod state;

pub use executor::{MarketExecutor, Metered, OverLimit};
pub use importer::MarketImporter;
pub use policy::Treasury;
pub use state::Market;
