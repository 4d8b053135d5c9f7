//! lazvm
