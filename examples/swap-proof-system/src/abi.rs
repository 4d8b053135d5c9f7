//! The interface of the contract, as it was compiled.

#![allow(missing_docs, unreachable_pub, reason = "generated from Solidity")]

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, PartialEq))]
    Results,
    "contracts/Results.json"
);
