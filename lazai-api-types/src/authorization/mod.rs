//! Who asks, and what exactly they allow.
//!
//! Two signatures are known. The deployed one ([`RequestMessage`]) is what published clients send:
//! it binds user, node and nonce, and nothing else. The stronger one ([`Authorization`]) is EIP-712
//! typed data that also binds the chain, the kind of request, its body, the model, the data, the
//! highest fee and a deadline. Their digests can not coincide, so neither can be passed off as the
//! other.

mod decimal;
mod error;
mod fields;
mod headers;
mod message;
mod signature;
mod typed;

pub use error::AuthorizationError;
pub use fields::{Credentials, LazaiFields};
pub use headers::{
    DEADLINE_HEADER, FILE_ID_HEADER, LazaiHeaders, MAX_FEE_HEADER, NONCE_HEADER, SIGNATURE_HEADER,
    TOKEN_ID_HEADER, USER_HEADER,
};
pub use message::{FileProofMessage, RequestMessage, SettlementMessage};
pub use signature::WalletSignature;
pub use typed::{Authorization, RequestKind, body_hash};
