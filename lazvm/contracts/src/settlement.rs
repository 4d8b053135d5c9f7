//! The bindings of `solidity/Settlement.sol`: users and their money.

#![allow(clippy::too_many_arguments, missing_docs, reason = "generated from Solidity")]

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, Eq, PartialEq))]
    Settlement,
    "solidity/Settlement.json"
);
