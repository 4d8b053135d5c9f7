use std::{path::Path, time::Instant};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use lazvm_executor::TransactionRequest;

use crate::{
    crash_test::audit,
    demo::{
        DemoError, DemoReport, Entry,
        contract::Quorums,
        run_context::{Certified, RunContext, TIMEOUT, user},
    },
    fleet::VALIDATORS as NODES,
    node::{QUORUMS, Quorum, RAW_PROMPT, SeatKeys, Task},
};

/// Runs the demo with nodes that run `program` and keep their files in `folder`; `on_entry` is
/// called with each entry of the timeline.
///
/// # Errors
/// [`DemoError`] if any step has another outcome than it must have.
pub fn run_demo(
    program: &Path,
    folder: &Path,
    on_entry: impl FnMut(&Entry),
) -> Result<DemoReport, DemoError> {
    let mut run = RunContext::new(program, folder, on_entry)?;
    let [health, city] = QUORUMS.map(|name| Quorum::new(name, NODES));
    let (health, city) = (health?, city?);

    start(&mut run)?;
    let answer = ask_the_model(&mut run)?;
    run.figure("answer of the model", answer);
    let contract = deploy(&mut run, &[&health, &city])?;
    let data = data();
    let (root, took) = publish(&mut run, &health, contract, &data)?;
    run.figure("dataset", format!("{} bytes, certified in {took} ms", data.len()));
    score(&mut run, &health, contract, root)?;
    certify_inference(&mut run, &city, contract)?;
    let took = kill_and_restart(&mut run, &health, root, &data)?;
    run.figure("killed node", format!("caught up {took} ms after its start, nothing lost"));
    let slashed = audit_and_slash(&mut run, &health, contract, root)?;
    run.figure("slashed", slashed);
    check_journals(&mut run)?;

    let height = run.fleet.final_blocks().height();
    let seconds = run.begin.elapsed().as_secs_f64();
    run.figure("blocks", format!("{height} in {seconds:.1} s, all final, no fork"));
    run.finality_ms.sort_unstable();
    let at = |percent: usize| {
        let rank = (run.finality_ms.len() * percent).div_ceil(100).saturating_sub(1);
        run.finality_ms.get(rank).copied().unwrap_or_default()
    };
    let (median, high) = (at(50), at(99));
    let latency = format!("{median} ms in the median, {high} ms at the 99th percentile");
    run.figure("proposal to durable", latency);
    Ok(run.report)
}

fn start(run: &mut RunContext<'_>) -> Result<(), DemoError> {
    for node in 0..NODES {
        run.fleet.start(node)?;
    }
    let what = format!("{NODES} nodes start; each is a validator and a member of both quorums");
    run.log("chain", what);
    run.wait_for_height(1)?;
    run.log("chain", "the first block is final at all of them");
    Ok(())
}

/// Asks the shipped model by a transaction, and returns its answer.
fn ask_the_model(run: &mut RunContext<'_>) -> Result<String, DemoError> {
    let request = TransactionRequest::call(RAW_PROMPT, PROMPT.as_bytes().to_vec()).gas(2_000_000);
    let receipt = run.transact(&user("alice")?, request, "ask the model")?;
    let answer = String::from_utf8_lossy(&receipt.output).into_owned();
    let (height, evm, ai) = (receipt.height, receipt.gas_evm, receipt.gas_ai);
    let what = format!("asked \"{PROMPT}\"; block {height} says \"{answer}\", {evm} + {ai} gas");
    run.log("alice", what);
    Ok(answer)
}

/// Deploys the contract, enrolls the committees of both quorums, and lets the members of the first
/// one stake.
fn deploy(run: &mut RunContext<'_>, quorums: &[&Quorum]) -> Result<Address, DemoError> {
    let bob = user("bob")?;
    let create = TransactionRequest::create(Quorums::BYTECODE.clone());
    let receipt = run.transact(&bob, create, "deploy")?;
    let contract =
        receipt.contract.ok_or_else(|| unexpected("the contract", "an address", "none"))?;
    for quorum in quorums {
        let enroll = Quorums::enrollCall { roster: quorum.roster.clone().into() }.abi_encode();
        let request = TransactionRequest::call(contract, enroll).gas(8_000_000);
        let receipt = run.transact(&bob, request, "enroll a quorum")?;
        let gas = receipt.gas_evm + receipt.gas_ai;
        run.log("chain", format!("the committee of {} is enrolled, {gas} gas", quorum.name));
    }
    for node in 0..NODES {
        let committee = committee_key(quorums[0]);
        let stake = Quorums::stakeCall { committee }.abi_encode();
        let value = U256::from(5) * U256::from(10_u64.pow(18));
        let request = TransactionRequest { value, ..TransactionRequest::call(contract, stake) };
        run.transact(&SeatKeys::new(node)?.wallet, request, "stake")?;
    }
    run.log("chain", format!("each member of {} has staked 5 ether", quorums[0].name));
    Ok(contract)
}

/// Lets a quorum certify that it holds a dataset, and another node restore it. Returns the root,
/// and the milliseconds until the certificate.
fn publish(
    run: &mut RunContext<'_>,
    quorum: &Quorum,
    contract: Address,
    data: &[u8],
) -> Result<(B256, u128), DemoError> {
    let begin = Instant::now();
    let (id, bytes) = (quorum.id.0, Bytes::copy_from_slice(data));
    run.fleet.ask(0, Task::Publish { quorum: id, dataset: dataset_id(), data: bytes })?;
    let (length, name) = (data.len(), quorum.name);
    run.log("node 0", format!("encodes {length} bytes for {name}: 4 shards, any 2 restore"));
    let certified = run.certificate(id, "Available")?;
    let took = begin.elapsed().as_millis();
    submit_certificate(run, quorum, contract, &certified)?;
    let root = certified.root.unwrap_or_default();
    run.fleet.ask(2, Task::Read { quorum: id, root })?;
    let length = run.restored(2, keccak256(data))?;
    run.log("node 2", format!("put the dataset together: {length} bytes, the same"));
    Ok((root, took))
}

/// Lets a quorum score the dataset.
fn score(
    run: &mut RunContext<'_>,
    quorum: &Quorum,
    contract: Address,
    root: B256,
) -> Result<(), DemoError> {
    let dataset = dataset_id();
    run.fleet.ask(1, Task::Judge { quorum: quorum.id.0, dataset, root, score: 1_000 })?;
    let certified = run.certificate(quorum.id.0, "Valid")?;
    submit_certificate(run, quorum, contract, &certified)
}

/// Lets a node run the model off chain, and its quorum run it again and certify the output.
fn certify_inference(
    run: &mut RunContext<'_>,
    quorum: &Quorum,
    contract: Address,
) -> Result<(), DemoError> {
    let prompt = "The city".to_owned();
    run.fleet.ask(3, Task::Infer { quorum: quorum.id.0, prompt })?;
    run.log("node 3", "runs the model off chain; the others run it again");
    let certified = run.certificate(quorum.id.0, "Workflow")?;
    submit_certificate(run, quorum, contract, &certified)
}

/// Kills node 3, checks that chain and dataset do without it, and restarts it. Returns the
/// milliseconds until it has caught up.
fn kill_and_restart(
    run: &mut RunContext<'_>,
    quorum: &Quorum,
    root: B256,
    data: &[u8],
) -> Result<u128, DemoError> {
    run.fleet.kill(3)?;
    let acknowledged = run.fleet.final_blocks().tip(3);
    run.log("node 3", format!("is killed (-9); its last block was {acknowledged}"));
    run.fleet.ask(1, Task::Read { quorum: quorum.id.0, root })?;
    let length = run.restored(1, keccak256(data))?;
    run.log("node 1", format!("reads the dataset all the same: {length} bytes"));
    let goal = run.fleet.final_blocks().height() + 3;
    run.wait_for_height(goal)?;
    run.log("chain", format!("three of four go on: block {goal} is final"));

    let begin = Instant::now();
    run.fleet.start(3)?;
    let goal = run.fleet.final_blocks().height() + 1;
    run.wait_for_height(goal)?;
    let took = begin.elapsed().as_millis();
    run.log("node 3", format!("is back and has block {goal}, {took} ms after its start"));
    Ok(took)
}

/// Lets node 2 damage its shards, a quorum audit its members, and the contract slash node 2.
fn audit_and_slash(
    run: &mut RunContext<'_>,
    quorum: &Quorum,
    contract: Address,
    root: B256,
) -> Result<String, DemoError> {
    let id = quorum.id.0;
    run.fleet.ask(2, Task::Corrupt { quorum: id, root })?;
    run.log("node 2", "damages the shards that it pledged to keep");
    // The beacon is a block that becomes final only now, so nobody could foresee it.
    let goal = run.fleet.final_blocks().height() + 1;
    run.wait_for_height(goal)?;
    let beacon = run.fleet.final_blocks().digest(goal).unwrap_or_default();
    for node in 0..NODES {
        run.fleet.ask(node, Task::Audit { quorum: id, beacon, datasets: vec![root] })?;
    }
    run.log(quorum.name, format!("audits its members by the digest of block {goal}"));
    let certified = run.certificate(id, "Audit")?;
    submit_certificate(run, quorum, contract, &certified)?;
    let [(member, index, path)] = certified.failed.as_slice() else {
        let got = format!("{:?}", certified.failed);
        return Err(unexpected("members that failed the audit", "node 2 alone", &got));
    };
    if quorum.node_of(*member) != Some(2) {
        let got = member.to_string();
        return Err(unexpected("the member that failed the audit", "node 2", &got));
    }
    let slash = Quorums::slashCall {
        committee: committee_key(quorum),
        statement: certified.statement.clone(),
        member: *member,
        index: U256::from(*index),
        path: path.clone(),
    };
    let request = TransactionRequest::call(contract, slash.abi_encode());
    let receipt = run.transact(&user("carol")?, request, "slash")?;
    let what = format!("node 2 loses its stake of 5 ether in block {}", receipt.height);
    run.log("chain", what.clone());
    Ok(what)
}

/// Submits a certificate to the contract, which checks it by the proof precompile.
fn submit_certificate(
    run: &mut RunContext<'_>,
    quorum: &Quorum,
    contract: Address,
    certified: &Certified,
) -> Result<(), DemoError> {
    // The proof is a version byte and the certificate.
    let certificate = [[1].as_slice(), certified.certificate.as_ref()].concat();
    let certify = Quorums::certifyCall {
        committee: committee_key(quorum),
        statement: certified.statement.clone(),
        certificate: certificate.into(),
    };
    let request = TransactionRequest::call(contract, certify.abi_encode()).gas(4_000_000);
    let receipt = run.transact(&user("bob")?, request, "certify")?;
    let (height, gas) = (receipt.height, receipt.gas_evm + receipt.gas_ai);
    run.log("chain", format!("checked the certificate in block {height}, {gas} gas"));
    Ok(())
}

/// Stops all nodes, and compares the state of each with what its journal gives.
fn check_journals(run: &mut RunContext<'_>) -> Result<(), DemoError> {
    run.fleet.stop(TIMEOUT)?;
    for node in 0..NODES {
        let audited = audit(node, NODES, &run.fleet.folder(node), run.fleet.final_blocks())?;
        let (height, replayed) = (audited.height, audited.replayed);
        let what =
            format!("journal of {height} blocks: {replayed} executed again give the same state");
        run.log(&format!("node {node}"), what);
    }
    Ok(())
}

/// Returns the id of a committee on chain: that of its verifying key.
fn committee_key(quorum: &Quorum) -> B256 {
    let parts = [b"lazvm/verifying-key/1".as_slice(), [0; 4].as_slice(), quorum.roster.as_slice()];
    keccak256(parts.concat())
}

fn dataset_id() -> B256 {
    keccak256("blood pressure, 2026")
}

/// Returns the example's dataset: lines of numbers, so that the policy counts each of them.
fn data() -> Vec<u8> {
    let row =
        |patient: u64| format!("{patient},{},{}\n", 100 + patient * 7 % 60, 60 + patient * 11 % 40);
    (0..12_000).map(row).collect::<String>().into_bytes()
}

fn unexpected(what: &'static str, expected: &str, got: &str) -> DemoError {
    DemoError::Expected { what, expected: expected.to_owned(), got: got.to_owned() }
}

const PROMPT: &str = "Once upon a time";
