//! Tests of the checker on circuits of a few gates, on gadgets and on runs of small networks.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests end at the first surprise")]

mod gadgets;
mod holes;
mod runs;
mod solutions;
mod toy;
