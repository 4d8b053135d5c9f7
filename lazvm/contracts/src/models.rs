//! The bindings of `solidity/LazModels.sol`: the registry of models.

#![allow(clippy::too_many_arguments, missing_docs, reason = "generated from Solidity")]

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, Eq, PartialEq))]
    LazModels,
    "solidity/LazModels.json"
);
