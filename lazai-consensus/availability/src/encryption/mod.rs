//! Encryption of private datasets before they are encoded: members learn only their size.

mod grant;
mod keeper;
mod key;
mod opener;
mod sealer;

pub use grant::{GRANT_BYTES, Grant, GrantError, GrantTerms};
pub use keeper::{DatPermissions, KeyKeeper, KeyKeeperError};
pub use key::{DataKey, RecipientKey, RecipientSecret};
pub use opener::{OpenError, Opener};
pub use sealer::{CHUNK_BYTES, SealError, Sealer, sealed_len};

#[cfg(test)]
mod tests;
