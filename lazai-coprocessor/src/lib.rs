//! lazai-coprocessor
