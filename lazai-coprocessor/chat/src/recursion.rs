//! Work on a stack of its own. The engine recurses over long expressions and deep values without a
//! bound of its own, as deep as the source is long or as the fuel lasts; a stack that holds that
//! costs only the pages that are touched.

use core::panic::AssertUnwindSafe;
use std::{panic, thread};

use super::ChatError;

/// Runs `work` and returns what it returns, or an error if it panics or the machine gives no stack.
pub(super) fn run<T: Send>(work: impl FnOnce() -> T + Send) -> Result<T, ChatError> {
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK_BYTES);
        let thread = builder
            .spawn_scoped(scope, || panic::catch_unwind(AssertUnwindSafe(work)))
            .map_err(|error| ChatError::Engine { message: error.to_string() })?;
        let panicked = || ChatError::Engine { message: "the engine panicked".to_owned() };
        thread.join().ok().and_then(Result::ok).ok_or_else(panicked)
    })
}

/// Bytes of the stack. The deepest templates of the tests need from 2 to 4 MiB with the engine
/// hardly optimized; the rest is for builds that do not optimize at all.
const STACK_BYTES: usize = 64 << 20;
