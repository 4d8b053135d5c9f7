use alloc::collections::BTreeMap;
use core::fmt;

use alloy_primitives::{Address, B256};
use lazai_api_types::{
    DatId,
    authorization::{Authorization, AuthorizationError, WalletSignature},
};

use super::{DataKey, Grant, GrantError, GrantTerms, RecipientKey};

/// The read permissions of data tokens, as recorded by the registry contract.
pub trait DatPermissions {
    /// Returns the last second in which `user` may read the data of `dat_id`, in Unix time; `None`
    /// without a permission.
    fn readable_until(&self, dat_id: DatId, user: Address) -> Option<u64>;
}

/// Stores data keys, and grants them to permitted readers.
pub struct KeyKeeper<P> {
    permissions: P,
    keys: BTreeMap<DatId, (B256, DataKey)>,
}

impl<P: DatPermissions> KeyKeeper<P> {
    /// Creates a keeper without keys.
    pub const fn new(permissions: P) -> Self {
        Self { permissions, keys: BTreeMap::new() }
    }

    /// Stores the key of `dataset`, the data of the token `dat_id`. It replaces an earlier key of
    /// the token.
    pub fn keep(&mut self, dat_id: DatId, dataset: B256, key: DataKey) {
        self.keys.insert(dat_id, (dataset, key));
    }

    /// Grants a key on a signed authorization that names the token, at `now` in Unix seconds.
    ///
    /// Only the user's wallet can open the grant, so a replayed authorization gains nothing.
    /// `recipient` is the public key of that wallet, and `entropy` fresh random bytes.
    ///
    /// # Errors
    /// [`KeyKeeperError`] if the authorization is invalid or expired, if the user may not read the
    /// data, or if its key is not stored.
    pub fn grant(
        &self,
        authorization: &Authorization,
        signature: &WalletSignature,
        recipient: &RecipientKey,
        now: u64,
        entropy: &[u8; 32],
    ) -> Result<Grant, KeyKeeperError> {
        authorization.verify(signature, now)?;
        let (dat_id, user) =
            (authorization.dat_id.ok_or(KeyKeeperError::NoDatId)?, authorization.user);
        let permitted = self.permissions.readable_until(dat_id, user);
        let expires_at = permitted
            .filter(|until| now <= *until)
            .ok_or(KeyKeeperError::NotPermitted { dat_id, user })?;
        let (dataset, key) = self.keys.get(&dat_id).ok_or(KeyKeeperError::NoKey { dat_id })?;
        let terms = GrantTerms { dat_id, dataset: *dataset, holder: user, expires_at };
        Ok(Grant::wrap(terms, recipient, key, entropy)?)
    }
}

impl<P> fmt::Debug for KeyKeeper<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyKeeper").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// A key is not granted.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyKeeperError {
    /// The authorization is not signed by the user, or has expired.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// The key cannot be wrapped.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The authorization names no token.
    #[error("the authorization names no data")]
    NoDatId,
    /// No key of the token is stored.
    #[error("the key of data {} is not kept here", .dat_id.0)]
    NoKey {
        /// The token.
        dat_id: DatId,
    },
    /// The user has no permission, or it has expired.
    #[error("{user} may not read data {}", .dat_id.0)]
    NotPermitted {
        /// The token.
        dat_id: DatId,
        /// The user.
        user: Address,
    },
}
