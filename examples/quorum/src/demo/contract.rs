#![allow(missing_docs, reason = "generated from Solidity")]

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, Eq, PartialEq))]
    Quorums,
    "contracts/Quorums.json"
);
