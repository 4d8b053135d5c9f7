//! What each operator demands of its inputs and outputs.
