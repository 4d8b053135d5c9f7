//! lazai-gas
