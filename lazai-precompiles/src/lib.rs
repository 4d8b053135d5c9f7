//! lazai-precompiles
