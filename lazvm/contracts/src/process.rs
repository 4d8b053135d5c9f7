//! The bindings of `solidity/AIProcess.sol`: what users deposit for nodes, and the fees.

#![allow(clippy::too_many_arguments, missing_docs, reason = "generated from Solidity")]

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, Eq, PartialEq))]
    AIProcess,
    "solidity/AIProcess.json"
);
