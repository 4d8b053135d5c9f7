//! Tests of the checker on circuits of a few gates, on gadgets and on runs of small networks.

mod gadgets;
mod holes;
mod runs;
mod solutions;
mod toy;
