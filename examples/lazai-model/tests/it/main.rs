//! The program as a user calls it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod bad_input;
mod chat;
mod commands;
mod support;
