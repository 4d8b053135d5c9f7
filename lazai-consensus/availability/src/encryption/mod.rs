//! Encryption of private datasets before they are encoded: members learn only their size.

mod error;
mod grant;
mod keeper;
mod key;
mod opener;
mod sealer;

pub use error::GrantError;
pub use grant::{GRANT_BYTES, Grant, GrantTerms};
pub use keeper::{DatPermissions, KeyKeeper, KeyKeeperError};
pub use key::{DataKey, RecipientKey, RecipientSecret};
pub use opener::{OpenError, Opener};
pub use sealer::{CHUNK_BYTES, SealError, Sealer, sealed_len};

#[cfg(test)]
mod tests;
