//! The bindings of `solidity/LazJobs.sol`: jobs that a transaction is too small for.

#![allow(clippy::too_many_arguments, missing_docs, reason = "generated from Solidity")]

alloy_sol_types::sol!(
    #![sol(extra_derives(Debug, Eq, PartialEq))]
    LazJobs,
    "solidity/LazJobs.json"
);

alloy_sol_types::sol! {
    #![sol(extra_derives(Debug, Eq, PartialEq))]

    /// A contract that is called back. It must refuse every sender but the contract of jobs.
    interface ILazJobsCallback {
        function onJobDelivered(bytes32 id, bytes32 output, bytes calldata answer) external;
    }
}
