use alloc::collections::BTreeMap;
use core::fmt;

use alloy_primitives::{Address, B256};
use lazai_api_types::{
    DatId,
    authorization::{Authorization, AuthorizationError, WalletSignature},
};

use super::{DataKey, Grant, GrantError, GrantTerms, RecipientKey};

/// Who may read the data of a token: the state of the registry contract, as the caller has it.
pub trait DatPermissions {
    /// The last second in which `user` may read the data of `dat_id`, in Unix time; `None` if it
    /// may not.
    fn readable_until(&self, dat_id: DatId, user: Address) -> Option<u64>;
}

/// Keeps data keys, and wraps them to those who may read.
pub struct KeyKeeper<P> {
    permissions: P,
    keys: BTreeMap<DatId, (B256, DataKey)>,
}

impl<P: DatPermissions> KeyKeeper<P> {
    /// Keeps no key yet.
    pub const fn new(permissions: P) -> Self {
        Self { permissions, keys: BTreeMap::new() }
    }

    /// Keeps the key of the data set with root `dataset`, which is what the token `dat_id` stands
    /// for, in the place of any other.
    pub fn keep(&mut self, dat_id: DatId, dataset: B256, key: DataKey) {
        self.keys.insert(dat_id, (dataset, key));
    }

    /// Grants what a user asks for by a signed authorization that names the token, at `now` in Unix
    /// seconds.
    ///
    /// The grant opens with the user's wallet alone, so one who replays the authorization gets
    /// nothing. `recipient` is the public key of that wallet, and `entropy` fresh random bytes.
    ///
    /// # Errors
    /// [`KeyKeeperError`] if the signature is not the user's or holds no longer, if the user may
    /// not read the data, or if its key is not here.
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

/// Why no key is granted.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyKeeperError {
    /// The authorization is not signed by the user, or holds no longer.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// The key cannot be wrapped.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The authorization names no data.
    #[error("the authorization names no data")]
    NoDatId,
    /// The key is not kept here.
    #[error("the key of data {} is not kept here", .dat_id.0)]
    NoKey {
        /// The data.
        dat_id: DatId,
    },
    /// The user may not read the data, or no longer.
    #[error("{user} may not read data {}", .dat_id.0)]
    NotPermitted {
        /// The data.
        dat_id: DatId,
        /// The user.
        user: Address,
    },
}
