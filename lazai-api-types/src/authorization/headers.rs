use alloy_primitives::{Address, U256, hex};

use super::{AuthorizationError, WalletSignature, decimal};
use crate::{DatId, Nonce};

/// The address of the user, in hexadecimal.
pub const USER_HEADER: &str = "X-LazAI-User";
/// Makes the signature hold once: a decimal number.
pub const NONCE_HEADER: &str = "X-LazAI-Nonce";
/// The signature of the user: 65 bytes in hexadecimal.
pub const SIGNATURE_HEADER: &str = "X-LazAI-Signature";
/// The data that the answer may use: a decimal number. Published clients send it empty where there
/// is none.
pub const FILE_ID_HEADER: &str = "X-LazAI-File-ID";
/// The token of that data: a decimal number. Documented, but no published client or server uses it.
pub const TOKEN_ID_HEADER: &str = "X-LazAI-Token-ID";
/// The highest fee that the user allows: a decimal number. Its presence tells that the signature is
/// the stronger one.
pub const MAX_FEE_HEADER: &str = "X-LazAI-Max-Fee";
/// The last second in which the stronger signature holds, in Unix time: a decimal number.
pub const DEADLINE_HEADER: &str = "X-LazAI-Deadline";

/// The LazAI extension of a request, as headers say it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LazaiHeaders {
    /// The user, from [`USER_HEADER`].
    pub user: Option<Address>,
    /// The nonce, from [`NONCE_HEADER`].
    pub nonce: Option<Nonce>,
    /// The signature, from [`SIGNATURE_HEADER`].
    pub signature: Option<WalletSignature>,
    /// [`FILE_ID_HEADER`]; absent if it is empty.
    pub file_id: Option<DatId>,
    /// [`TOKEN_ID_HEADER`]; absent if it is empty.
    pub token_id: Option<U256>,
    /// The highest fee in wei, from [`MAX_FEE_HEADER`].
    pub max_fee: Option<U256>,
    /// The last Unix second, from [`DEADLINE_HEADER`].
    pub deadline: Option<u64>,
}

impl LazaiHeaders {
    /// Reads the headers of a request, given as names in any case and values; other headers are
    /// passed over.
    ///
    /// # Errors
    /// [`AuthorizationError::DuplicateHeader`], or an error that names the header that cannot be
    /// read.
    pub fn parse<'a>(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, AuthorizationError> {
        let mut values = [None; NAMES.len()];
        for (name, value) in headers {
            let found = NAMES.iter().zip(&mut values).find(|(n, _)| n.eq_ignore_ascii_case(name));
            let Some((header, slot)) = found else { continue };
            if slot.replace(value.trim_ascii()).is_some() {
                return Err(AuthorizationError::DuplicateHeader { header });
            }
        }
        let [user, nonce, signature, file_id, token_id, max_fee, deadline] = values;
        let present = |value: Option<&'a str>| value.filter(|value| !value.is_empty());
        Ok(Self {
            user: user.map(|value| address(USER_HEADER, value)).transpose()?,
            nonce: nonce.map(|value| number(NONCE_HEADER, value)).transpose()?.map(Nonce),
            signature: signature.map(str::parse).transpose()?,
            file_id: present(file_id).map(dat_id).transpose()?,
            token_id: present(token_id).map(|value| number(TOKEN_ID_HEADER, value)).transpose()?,
            max_fee: max_fee.map(|value| number(MAX_FEE_HEADER, value)).transpose()?,
            deadline: deadline.map(seconds).transpose()?,
        })
    }

    /// Returns the highest fee and the deadline of the stronger signature; `None` where the
    /// signature is the deployed one.
    ///
    /// # Errors
    /// [`AuthorizationError::Missing`] if one is there without the other.
    pub const fn terms(&self) -> Result<Option<(U256, u64)>, AuthorizationError> {
        match (self.max_fee, self.deadline) {
            (Some(max_fee), Some(deadline)) => Ok(Some((max_fee, deadline))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(AuthorizationError::Missing { field: DEADLINE_HEADER }),
            (None, Some(_)) => Err(AuthorizationError::Missing { field: MAX_FEE_HEADER }),
        }
    }
}

/// Reads an address in any case; a checksum in the case of its letters is not required.
pub(super) fn address(field: &'static str, text: &str) -> Result<Address, AuthorizationError> {
    let invalid = AuthorizationError::InvalidAddress { field };
    let Some(digits) = text.strip_prefix("0x") else { return Err(invalid) };
    let mut bytes = [0; 20];
    // A second prefix would be stripped by the decoder.
    if digits.len() != 40 || digits.starts_with("0x") {
        return Err(invalid);
    }
    hex::decode_to_slice(digits, &mut bytes).map_err(|_| invalid)?;
    Ok(Address::new(bytes))
}

fn number(field: &'static str, text: &str) -> Result<U256, AuthorizationError> {
    decimal::parse(text).ok_or(AuthorizationError::InvalidNumber { field, bits: 256 })
}

fn dat_id(text: &str) -> Result<DatId, AuthorizationError> {
    let id = number(FILE_ID_HEADER, text)?;
    if id.is_zero() { Err(AuthorizationError::ZeroDatId) } else { Ok(DatId(id)) }
}

fn seconds(text: &str) -> Result<u64, AuthorizationError> {
    decimal::parse(text)
        .and_then(|seconds| seconds.try_into().ok())
        .ok_or(AuthorizationError::InvalidNumber { field: DEADLINE_HEADER, bits: 64 })
}

const NAMES: [&str; 7] = [
    USER_HEADER,
    NONCE_HEADER,
    SIGNATURE_HEADER,
    FILE_ID_HEADER,
    TOKEN_ID_HEADER,
    MAX_FEE_HEADER,
    DEADLINE_HEADER,
];
