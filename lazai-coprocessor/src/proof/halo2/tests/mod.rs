mod programs;
mod support;
