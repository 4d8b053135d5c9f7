use alloy_primitives::{Address, U256};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{
    AuthorizationError, LazaiHeaders, RequestMessage, WalletSignature, decimal, headers::address,
};
use crate::{DatId, Nonce};

/// The LazAI extension of a request: fields of the body beside those of the OpenAI API.
///
/// Numbers are written as decimal texts, because many clients cannot hold more than 53 bits, and
/// are read as texts or as JSON numbers.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct LazaiFields {
    /// The data that the answer may use.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "dat_id")]
    pub dat_id: Option<DatId>,
    /// The address of the user, who pays.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "wallet")]
    pub wallet: Option<Address>,
    /// The signature of the wallet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<WalletSignature>,
    /// Makes the signature hold once.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "nonce")]
    pub nonce: Option<Nonce>,
}

impl LazaiFields {
    /// Adds what the headers say.
    ///
    /// # Errors
    /// [`AuthorizationError::Disagreement`] if both say something else.
    pub fn merge(self, headers: &LazaiHeaders) -> Result<Self, AuthorizationError> {
        Ok(Self {
            dat_id: agree("dat_id", self.dat_id, headers.file_id)?,
            wallet: agree("wallet", self.wallet, headers.user)?,
            signature: agree("signature", self.signature, headers.signature)?,
            nonce: agree("nonce", self.nonce, headers.nonce)?,
        })
    }

    /// Returns the wallet that asks, its nonce and its signature, if the request has all of them.
    ///
    /// # Errors
    /// [`AuthorizationError::Missing`] if wallet, signature or nonce is absent.
    pub fn credentials(&self) -> Result<Credentials, AuthorizationError> {
        let missing = |field| AuthorizationError::Missing { field };
        Ok(Credentials {
            user: self.wallet.ok_or_else(|| missing("wallet"))?,
            nonce: self.nonce.ok_or_else(|| missing("nonce"))?,
            signature: self.signature.ok_or_else(|| missing("signature"))?,
            dat_id: self.dat_id,
        })
    }
}

/// The address of the user, and the signature.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Credentials {
    /// The address of the user, who pays.
    pub user: Address,
    /// Makes the signature hold once.
    pub nonce: Nonce,
    /// The signature of the user.
    pub signature: WalletSignature,
    /// The data that the answer may use. The deployed signature does not cover it.
    pub dat_id: Option<DatId>,
}

impl Credentials {
    /// Checks that the user made the deployed signature for `node`.
    ///
    /// # Errors
    /// [`AuthorizationError::Unrecoverable`] or [`AuthorizationError::SignerMismatch`].
    pub fn verify_deployed(&self, node: Address) -> Result<(), AuthorizationError> {
        RequestMessage { nonce: self.nonce, user: self.user, node }.verify(&self.signature)
    }

    /// Checks that the nonce is above the `last` one that this user used with this node.
    ///
    /// # Errors
    /// [`AuthorizationError::NonceTooLow`].
    pub fn check_nonce(&self, last: Nonce) -> Result<(), AuthorizationError> {
        if self.nonce <= last {
            return Err(AuthorizationError::NonceTooLow { got: self.nonce.0, last: last.0 });
        }
        Ok(())
    }
}

fn agree<T: PartialEq>(
    field: &'static str,
    body: Option<T>,
    header: Option<T>,
) -> Result<Option<T>, AuthorizationError> {
    match (body, header) {
        (Some(body), Some(header)) if body != header => {
            Err(AuthorizationError::Disagreement { field })
        }
        (body, header) => Ok(body.or(header)),
    }
}

fn wallet<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    let Some(text) = Option::<alloc::string::String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    address("wallet", &text).map(Some).map_err(serde::de::Error::custom)
}

mod dat_id {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        id: &Option<DatId>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serialize_decimal(id.map(|id| id.0), serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<DatId>, D::Error> {
        match Option::deserialize(deserializer)? {
            Some(Decimal(id)) if id.is_zero() => {
                Err(serde::de::Error::custom(AuthorizationError::ZeroDatId))
            }
            id => Ok(id.map(|Decimal(id)| DatId(id))),
        }
    }
}

mod nonce {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        nonce: &Option<Nonce>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serialize_decimal(nonce.map(|nonce| nonce.0), serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Nonce>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(|Decimal(nonce)| Nonce(nonce)))
    }
}

struct Decimal(U256);

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        decimal::deserialize(deserializer).map(Self)
    }
}

fn serialize_decimal<S: Serializer>(
    number: Option<U256>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match number {
        Some(number) => serializer.collect_str(&number),
        None => serializer.serialize_none(),
    }
}
