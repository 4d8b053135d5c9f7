//! lazai-consensus
