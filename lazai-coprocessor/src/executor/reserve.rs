use super::error::ExecutionError;

/// Returns a block of zeros, which costs nothing until it is written; a hostile size is an error
/// and ends no process.
pub(super) fn reserve<T: bytemuck::Zeroable>(elements: usize) -> Result<Vec<T>, ExecutionError> {
    let bytes = (elements as u64).saturating_mul(size_of::<T>() as u64);
    bytemuck::allocation::try_zeroed_vec(elements).map_err(|()| ExecutionError::Memory { bytes })
}
