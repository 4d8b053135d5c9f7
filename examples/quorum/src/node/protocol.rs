use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

/// A line of JSON that a validator reads from its standard input. It stops when the input ends.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Number that the reply repeats.
    pub id: u64,
    /// What to do.
    pub task: Task,
}

/// A task for a validator.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Task {
    /// Audit all members of a quorum for the shards that they pledged to keep.
    Audit {
        /// Id of the quorum.
        quorum: B256,
        /// Randomness that nobody could foresee when the shards were stored.
        beacon: B256,
        /// Roots of the datasets to ask for.
        #[serde(rename = "data_sets")]
        datasets: Vec<B256>,
    },
    /// Damage the shards that this node holds of a dataset.
    Corrupt {
        /// Id of the quorum.
        quorum: B256,
        /// Root of the dataset.
        root: B256,
    },
    /// Run the model on a prompt, and let a quorum certify the output.
    Infer {
        /// Id of the quorum.
        quorum: B256,
        /// Prompt for the model.
        prompt: String,
    },
    /// Ask a quorum to score a dataset that it holds.
    Judge {
        /// Id of the quorum.
        quorum: B256,
        /// Id of the dataset.
        #[serde(rename = "data_set")]
        dataset: B256,
        /// Root of the dataset.
        root: B256,
        /// Score that this node proposes, in thousandths.
        score: u16,
    },
    /// Return the next nonce of an account.
    Nonce {
        /// Address of the account.
        account: Address,
    },
    /// Encode a dataset into shards, and ask a quorum to hold them.
    Publish {
        /// Id of the quorum.
        quorum: B256,
        /// Id of the dataset.
        #[serde(rename = "data_set")]
        dataset: B256,
        /// Contents of the dataset.
        data: Bytes,
    },
    /// Restore a dataset from the shards of the members.
    Read {
        /// Id of the quorum.
        quorum: B256,
        /// Root of the dataset.
        root: B256,
    },
    /// Return the receipt of a transaction.
    Receipt {
        /// Hash of the transaction.
        transaction: B256,
    },
    /// Add a transaction to the pool.
    Submit {
        /// The transaction, encoded as in EIP-2718.
        transaction: Bytes,
    },
}

/// A line of JSON that a validator writes to its standard output.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum OutputLine {
    /// Something that happened.
    Event(Event),
    /// The reply to a request.
    Reply {
        /// The number of the request.
        id: u64,
        /// The reply, or why the task failed.
        result: Result<Reply, String>,
    },
}

/// Something that happened at a validator.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Event {
    /// A quorum has certified a statement, and this node has stored the certificate.
    Certified {
        /// Id of the quorum.
        quorum: B256,
        /// Kind of the statement.
        kind: String,
        /// Root of the dataset, if the statement is about one.
        root: Option<B256>,
        /// Encoded attestation.
        statement: Bytes,
        /// Encoded certificate.
        certificate: Bytes,
        /// Number of members that signed.
        signers: u32,
        /// Members that failed the audit, if the statement is about one: address, index among the
        /// failed and Merkle path.
        failed: Vec<(Address, u64, Vec<B256>)>,
    },
    /// This node has evidence that a member of a quorum broke the rules.
    Convicted {
        /// Id of the quorum.
        quorum: B256,
    },
    /// This node has evidence that a validator signed two conflicting messages.
    Equivocation,
    /// This node failed to do something that it should.
    Fault {
        /// What failed.
        reason: String,
    },
    /// A block is final, executed and durable.
    Final {
        /// Height of the block.
        height: u64,
        /// Digest of the block.
        digest: B256,
        /// State root after the block.
        state_root: B256,
        /// Seat that proposed the block.
        proposer: u32,
        /// Time of the proposal, in milliseconds since the Unix epoch.
        proposed_ms: u64,
        /// Number of transactions in the block.
        transactions: u32,
    },
    /// A dataset was restored from shards.
    Read {
        /// Id of the quorum.
        quorum: B256,
        /// Root of the dataset.
        root: B256,
        /// Length in bytes and keccak256 of the dataset, or why it cannot be restored.
        result: Result<(u64, B256), String>,
    },
    /// The validator has loaded its state and joins the network.
    Ready {
        /// Height of the last block in the journal.
        height: u64,
        /// Digest of that block, if there is one.
        digest: Option<B256>,
        /// State root after that block.
        state_root: B256,
        /// Number of blocks that were executed again.
        replayed: u64,
        /// Height of the snapshot that was used; 0 without one.
        snapshot: u64,
        /// Bytes of a torn record that were cut off the journal.
        cut_bytes: u64,
    },
    /// The validator stops because something is broken.
    Stopped {
        /// What is broken, and what to do.
        reason: String,
    },
}

/// The reply to a task that did not fail.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Reply {
    /// The task has begun; events report its outcome.
    Begun,
    /// The next nonce of the account.
    Nonce(u64),
    /// The receipt, if the transaction is in a committed block.
    Receipt(Option<Receipt>),
    /// The hash of the transaction, which is in the pool.
    Submitted(B256),
}

/// The outcome of a transaction.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Height of the block.
    pub height: u64,
    /// Whether the transaction succeeded.
    pub success: bool,
    /// Output of the call, or the data of the revert.
    pub output: Bytes,
    /// Address of the contract that was created, if one was.
    pub contract: Option<Address>,
    /// Gas for what Ethereum prices.
    pub gas_evm: u64,
    /// Gas for the arithmetic and the memory of models.
    pub gas_ai: u64,
    /// Number of calls of AI precompiles.
    pub ai_calls: u64,
}

impl From<lazvm_executor::Receipt> for Receipt {
    fn from(receipt: lazvm_executor::Receipt) -> Self {
        let lazvm_executor::Receipt { height, success, output, contract, gas, ai_calls, .. } =
            receipt;
        let gas_ai = gas.ai.saturating_add(gas.inference);
        Self { height, success, output, contract, gas_evm: gas.evm, gas_ai, ai_calls }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_back() {
        let lines = [
            OutputLine::Event(Event::Stopped { reason: "a \"quoted\"\nreason".into() }),
            OutputLine::Reply { id: 7, result: Ok(Reply::Receipt(None)) },
            OutputLine::Reply { id: 8, result: Err("no".into()) },
        ];
        for line in lines {
            let text = serde_json::to_string(&line).unwrap();
            assert!(!text.contains('\n'), "{text}");
            assert_eq!(serde_json::from_str::<OutputLine>(&text).unwrap(), line);
        }
        let zero = B256::ZERO;
        let request = format!(r#"{{"id":1,"task":{{"receipt":{{"transaction":"{zero}"}}}}}}"#);
        let expected = Request { id: 1, task: Task::Receipt { transaction: zero } };
        assert_eq!(serde_json::from_str::<Request>(&request).unwrap(), expected);
        assert!(serde_json::from_str::<Request>(r#"{"id":1,"task":{"format":{}}}"#).is_err());
    }
}
