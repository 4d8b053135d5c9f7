//! The integer kernels: each one formula, one scalar form that specifies it, and faster forms that
//! give the same bytes.
//!
//! A kernel takes a [`Backend`], which instructions to use, and [`Threads`], how many cores.
//! Neither changes a result: sums are exact integers, and integer addition is associative.

mod attention;
mod backend;
mod bias;
mod cache;
mod error;
mod gate;
mod gather;
mod gelu;
mod lookup;
mod matmul;
mod narrow;
mod norm;
mod pool;
mod relu;
mod required;
mod rope;
mod threads;
#[cfg(target_arch = "x86_64")]
mod transpose;
#[cfg(feature = "parallel")]
mod turns;
mod vectorized;

#[cfg(test)]
mod tests;

pub use attention::{AttentionRow, AttentionScratch, HeadCache, attend, attend_rows};
pub use backend::Backend;
pub use bias::{add_bias_i16, add_bias_i32};
pub use cache::compress;
pub use error::KernelError;
pub use gate::{Gate, gated_silu};
pub use gather::{Embedding, add_positions, gather};
pub use gelu::{GeluScales, gelu};
pub use matmul::{Destination, WeightMatrix, matmul};
pub use narrow::narrow;
pub use norm::{Norm, head_norm, layer_norm_i16, layer_norm_i32, rms_norm};
pub use pool::mean_pool;
pub use relu::relu;
pub use rope::rope;
pub use threads::Threads;
