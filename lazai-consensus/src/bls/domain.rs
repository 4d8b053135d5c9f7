/// The domain of signatures of messages.
pub const MESSAGE_DST: &[u8] = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
/// The domain of proofs that the owner of a public key knows its secret.
pub const POSSESSION_DST: &[u8] = b"BLS_POP_BLS12381G1_XMD:SHA-256_SSWU_RO_POP_";
