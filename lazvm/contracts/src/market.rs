//! The bindings of `solidity/LazMarket.sol`: the base fees of the three resources.

#![allow(missing_docs, reason = "generated from Solidity")]

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, Eq, PartialEq))]
    LazMarket,
    "solidity/LazMarket.json"
);
