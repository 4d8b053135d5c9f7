#[cfg(target_arch = "x86_64")]
mod avx512;
mod block;
#[cfg(target_arch = "x86_64")]
mod divisor;
mod head;
#[cfg(target_arch = "x86_64")]
mod mixing;
mod row;
#[cfg(target_arch = "x86_64")]
mod scoring;
#[cfg(test)]
mod tests;

pub use block::{AttentionScratch, attend_rows};
pub use head::{HeadCache, attend};
pub use row::AttentionRow;
