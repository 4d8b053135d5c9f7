//! The gadgets: the constraints of each operator.
//!
//! A gadget takes integers that other gadgets have bounded, and returns bounded ones. The bounds in
//! the comments are those of docs/numerics.md.

mod activation;
mod attention;
mod compress;
mod hash;
mod linear;
mod norm;
mod one_hot;
mod rope;
mod select;

pub(super) use activation::{gated, gelu, narrow, relu};
pub(super) use attention::{Attended, attend};
pub(super) use compress::{Compressed, compress};
pub(super) use hash::hash;
pub(super) use linear::{add_row, mean_pool, product, product_add, take_i16, take_i32};
#[cfg(feature = "circuits")]
pub(super) use linear::{rounded_product, rounded_product_add};
pub(super) use norm::{Norm, layer_norm, rms_norm};
pub(super) use rope::rope;
pub(super) use select::{Tokens, best, gather};
