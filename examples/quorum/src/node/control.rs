use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

/// A line that a validator reads from its standard input. When the input ends, it stops.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Comes back with the reply.
    pub id: u64,
    /// What to do.
    pub task: Task,
}

/// What a validator can be asked to do.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Task {
    /// Audit all members of a quorum, as the others do.
    Audit {
        /// The quorum.
        quorum: B256,
        /// What nobody could foresee.
        beacon: B256,
        /// The roots of the data sets that are asked for.
        data_sets: Vec<B256>,
    },
    /// Ask a contract about the committed state.
    Call {
        /// The contract.
        contract: Address,
        /// The calldata.
        data: Bytes,
    },
    /// Damage what this node holds of a data set.
    Corrupt {
        /// The quorum.
        quorum: B256,
        /// The root of the data set.
        root: B256,
    },
    /// Name the committed block at a height.
    Digest {
        /// The height.
        height: u64,
    },
    /// Ask the model, and have a quorum certify what it answered.
    Infer {
        /// The quorum.
        quorum: B256,
        /// The prompt.
        prompt: String,
    },
    /// Ask a quorum to judge a data set that it holds.
    Judge {
        /// The quorum.
        quorum: B256,
        /// The name of the data set.
        data_set: B256,
        /// Its root.
        root: B256,
        /// The grade, of a thousand.
        score: u16,
    },
    /// Tell the next nonce of an account.
    Nonce {
        /// The account.
        account: Address,
    },
    /// Encode a data set, and ask a quorum to hold it.
    Publish {
        /// The quorum.
        quorum: B256,
        /// The name of the data set.
        data_set: B256,
        /// Its bytes.
        data: Bytes,
    },
    /// Put a data set together from what the members of a quorum hold.
    Read {
        /// The quorum.
        quorum: B256,
        /// Its root.
        root: B256,
    },
    /// Tell what a transaction did.
    Receipt {
        /// The name of the transaction.
        transaction: B256,
    },
    /// Tell where the chain stands.
    Status,
    /// Take a transaction.
    Submit {
        /// The bytes of EIP-2718.
        transaction: Bytes,
    },
}

/// A line that a validator writes to its standard output.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Line {
    /// Something happened.
    Event(Event),
    /// What became of a request.
    Reply {
        /// The id of the request.
        id: u64,
        /// The answer, or why there is none.
        result: Result<Reply, String>,
    },
}

/// What a validator tells unasked.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Event {
    /// A quorum has certified a statement, and this node keeps the certificate.
    Certified {
        /// The quorum.
        quorum: B256,
        /// The kind of the statement.
        kind: String,
        /// The root of the data set that it is about, if it is about one.
        root: Option<B256>,
        /// The bytes of the statement.
        statement: Bytes,
        /// The bytes of the certificate.
        certificate: Bytes,
        /// How many members signed.
        signers: u32,
        /// Of an audit, the members that failed, each with its place among them and its path.
        failed: Vec<(Address, u64, Vec<B256>)>,
    },
    /// A member of a quorum has broken the rules, and there is evidence.
    Convicted {
        /// The quorum.
        quorum: B256,
    },
    /// A seat has broken the protocol, and there is evidence.
    Equivocation,
    /// This node cannot do what it should.
    Fault {
        /// What failed.
        reason: String,
    },
    /// A block is final, executed and durable.
    Final {
        /// Its height.
        height: u64,
        /// Its name.
        digest: B256,
        /// The state after it.
        state_root: B256,
        /// The seat that proposed it.
        proposer: u32,
        /// When it was proposed, in milliseconds since the Unix epoch.
        proposed_ms: u64,
        /// The transactions in it.
        transactions: u32,
    },
    /// A data set was put together from its shards.
    Read {
        /// The quorum.
        quorum: B256,
        /// Its root.
        root: B256,
        /// Its length and hash, or why it cannot be had.
        result: Result<(u64, B256), String>,
    },
    /// The state is read and the validator begins to take part.
    Ready {
        /// The last block of the journal.
        height: u64,
        /// Its name, if there is one.
        digest: Option<B256>,
        /// The state after it.
        state_root: B256,
        /// Blocks that were executed again.
        replayed: u64,
        /// The block of the snapshot that was used; 0 without one.
        snapshot: u64,
        /// Bytes of a torn record that were cut off.
        cut_bytes: u64,
    },
    /// The validator stops because something is broken.
    Stopped {
        /// What, and what to do.
        reason: String,
    },
}

/// What a request was answered.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Reply {
    /// It is on its way; events tell what comes of it.
    Begun,
    /// What the contract returned.
    Called {
        /// Whether it succeeded.
        success: bool,
        /// Its answer, or the data of its revert.
        output: Bytes,
    },
    /// The name of a block, if it is committed.
    Digest(Option<B256>),
    /// The next nonce of an account.
    Nonce(u64),
    /// What a transaction did, if it is in a committed block.
    Receipt(Option<Receipt>),
    /// Where the chain stands.
    Status {
        /// The last committed block.
        height: u64,
        /// Its name, if there is one.
        digest: Option<B256>,
        /// The state after it.
        state_root: B256,
        /// Transactions that wait.
        waiting: u64,
    },
    /// The name of a transaction that now waits.
    Submitted(B256),
}

/// What a transaction did, in short.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The height of its block.
    pub height: u64,
    /// Whether it succeeded.
    pub success: bool,
    /// What it returned.
    pub output: Bytes,
    /// The contract that it made.
    pub contract: Option<Address>,
    /// Its gas for what Ethereum prices.
    pub gas_evm: u64,
    /// Its gas for the arithmetic and memory of models.
    pub gas_ai: u64,
    /// Calls of AI precompiles.
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
            Line::Event(Event::Stopped { reason: "a \"quoted\"\nreason".into() }),
            Line::Reply { id: 7, result: Ok(Reply::Digest(None)) },
            Line::Reply { id: 8, result: Err("no".into()) },
        ];
        for line in lines {
            let text = serde_json::to_string(&line).unwrap();
            assert!(!text.contains('\n'), "{text}");
            assert_eq!(serde_json::from_str::<Line>(&text).unwrap(), line);
        }
        let request = r#"{"id":1,"task":{"digest":{"height":3}}}"#;
        let expected = Request { id: 1, task: Task::Digest { height: 3 } };
        assert_eq!(serde_json::from_str::<Request>(request).unwrap(), expected);
        assert!(serde_json::from_str::<Request>(r#"{"id":1,"task":{"format":{}}}"#).is_err());
    }
}
