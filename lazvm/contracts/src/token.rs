//! The bindings of `solidity/DataAnchoringToken.sol`: data sets, models, agents and results.

#![allow(clippy::too_many_arguments, missing_docs, reason = "generated from Solidity")]

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, Eq, PartialEq))]
    DataAnchoringToken,
    "solidity/DataAnchoringToken.json"
);
