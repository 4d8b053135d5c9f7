use lazai_api_types::codec::{DecodeError, Reader};

/// Reads bytes behind their length in four bytes.
pub(crate) fn counted<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let count = reader.u32()?;
    reader.slice(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Appends bytes behind their length; a length above four bytes becomes one that no reader accepts.
pub(crate) fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}
