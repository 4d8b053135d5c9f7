use std::{path::Path, time::Instant};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::SolCall;
use lazvm_executor::Order;

use crate::{
    kill::audit,
    node::{QUORUMS, Quorum, RAW_PROMPT, SeatKeys, Task},
    story::{
        Entry, StoryError, Summary, Timeline,
        contract::Quorums,
        stage::{Certified, PATIENCE, Stage},
    },
};

/// Runs the example with nodes that keep their files below `folder`; `tell` hears what happens.
///
/// # Errors
/// [`StoryError`] if anything comes out otherwise than it must.
pub fn tell_story<F: FnMut(&Entry)>(
    program: &Path,
    folder: &Path,
    tell: F,
) -> Result<(Timeline<F>, Summary), StoryError> {
    let mut stage = Stage::new(program, folder, tell)?;
    let quorums = QUORUMS.map(|name| Quorum::new(name, NODES));
    let [health, city] = quorums;
    let (health, city) = (health?, city?);
    let mut summary = Summary::default();
    let mut figure = |name: &str, value: String| {
        summary.figures.insert(name.to_owned(), value);
    };

    start(&mut stage)?;
    let answer = ask_the_model(&mut stage)?;
    figure("answer of the model", answer);
    let contract = deploy(&mut stage, &[&health, &city])?;
    let data = data_set();
    let (published, took) = publish(&mut stage, &health, contract, &data)?;
    figure("data set", format!("{} bytes, certified in {took} ms", data.len()));
    judge(&mut stage, &health, contract, published)?;
    rerun(&mut stage, &city, contract)?;
    let back = kill_and_restart(&mut stage, &health, published, &data)?;
    figure("killed node", format!("caught up {back} ms after its start, nothing lost"));
    let lost = cheat(&mut stage, &health, contract, published)?;
    figure("slashed", lost);
    end(&mut stage)?;

    let height = stage.fleet.ledger().height();
    let seconds = stage.timeline.elapsed().as_secs_f64();
    figure("blocks", format!("{height} in {seconds:.1} s, all final, no fork"));
    stage.finality_ms.sort_unstable();
    let at = |percent: usize| {
        let rank = (stage.finality_ms.len() * percent).div_ceil(100).saturating_sub(1);
        stage.finality_ms.get(rank).copied().unwrap_or_default()
    };
    let (median, high) = (at(50), at(99));
    figure(
        "proposal to durable",
        format!("{median} ms in the median, {high} ms at the 99th percentile"),
    );
    Ok((stage.timeline, summary))
}

fn start<F: FnMut(&Entry)>(stage: &mut Stage<F>) -> Result<(), StoryError> {
    for node in 0..NODES {
        stage.fleet.start(node)?;
    }
    stage.say(
        "chain",
        format!("{NODES} nodes start; each is a validator and a member of both quorums"),
    );
    stage.reach(1)?;
    stage.say("chain", "the first block is final at all of them");
    Ok(())
}

fn ask_the_model<F: FnMut(&Entry)>(stage: &mut Stage<F>) -> Result<String, StoryError> {
    let alice = Stage::<F>::user("alice")?;
    let order = Order::call(RAW_PROMPT, PROMPT.as_bytes().to_vec()).gas(2_000_000);
    let receipt = stage.transact(&alice, order, "ask the model")?;
    let answer = String::from_utf8_lossy(&receipt.output).into_owned();
    let (height, evm, ai) = (receipt.height, receipt.gas_evm, receipt.gas_ai);
    stage.say(
        "alice",
        format!("asked \"{PROMPT}\"; block {height} says \"{answer}\", {evm} + {ai} gas"),
    );
    Ok(answer)
}

fn deploy<F: FnMut(&Entry)>(
    stage: &mut Stage<F>,
    quorums: &[&Quorum],
) -> Result<Address, StoryError> {
    let bob = Stage::<F>::user("bob")?;
    let receipt = stage.transact(&bob, Order::create(Quorums::BYTECODE.clone()), "deploy")?;
    let contract = receipt.contract.ok_or_else(|| StoryError::Expected {
        what: "the contract",
        expected: "an address".into(),
        got: "none".into(),
    })?;
    for quorum in quorums {
        let enroll = Quorums::enrollCall { roster: quorum.roster.clone().into() }.abi_encode();
        let order = Order::call(contract, enroll).gas(8_000_000);
        let receipt = stage.transact(&bob, order, "enroll a quorum")?;
        let gas = receipt.gas_evm + receipt.gas_ai;
        stage.say("chain", format!("the committee of {} is enrolled, {gas} gas", quorum.name));
    }
    for node in 0..NODES {
        let committee = committee_key(quorums[0]);
        let stake = Quorums::stakeCall { committee }.abi_encode();
        let order = Order { value: stake_of_one(), ..Order::call(contract, stake) };
        stage.transact(&SeatKeys::new(node)?.wallet, order, "stake")?;
    }
    stage.say("chain", format!("each member of {} has staked 5 ether", quorums[0].name));
    Ok(contract)
}

fn publish<F: FnMut(&Entry)>(
    stage: &mut Stage<F>,
    quorum: &Quorum,
    contract: Address,
    data: &[u8],
) -> Result<(B256, u128), StoryError> {
    let begin = Instant::now();
    let (id, bytes) = (quorum.id.0, Bytes::copy_from_slice(data));
    stage.fleet.ask(0, Task::Publish { quorum: id, data_set: name(), data: bytes })?;
    stage.say(
        "node 0",
        format!("encodes {} bytes for {}: 4 shards, any 2 restore", data.len(), quorum.name),
    );
    let certified = stage.certificate(id, "Available")?;
    let took = begin.elapsed().as_millis();
    bring(stage, quorum, contract, &certified)?;
    let root = certified.root.unwrap_or_default();
    stage.fleet.ask(2, Task::Read { quorum: id, root })?;
    let length = stage.read(2, keccak256(data))?;
    stage.say("node 2", format!("put the data set together: {length} bytes, the same"));
    Ok((root, took))
}

fn judge<F: FnMut(&Entry)>(
    stage: &mut Stage<F>,
    quorum: &Quorum,
    contract: Address,
    root: B256,
) -> Result<(), StoryError> {
    let task = Task::Judge { quorum: quorum.id.0, data_set: name(), root, score: 1_000 };
    stage.fleet.ask(1, task)?;
    let certified = stage.certificate(quorum.id.0, "Valid")?;
    bring(stage, quorum, contract, &certified)
}

fn rerun<F: FnMut(&Entry)>(
    stage: &mut Stage<F>,
    quorum: &Quorum,
    contract: Address,
) -> Result<(), StoryError> {
    let prompt = "The city".to_owned();
    stage.fleet.ask(3, Task::Infer { quorum: quorum.id.0, prompt })?;
    stage.say("node 3", "runs the model off chain; the others run it again");
    let certified = stage.certificate(quorum.id.0, "Workflow")?;
    bring(stage, quorum, contract, &certified)
}

fn kill_and_restart<F: FnMut(&Entry)>(
    stage: &mut Stage<F>,
    quorum: &Quorum,
    root: B256,
    data: &[u8],
) -> Result<u128, StoryError> {
    stage.fleet.kill(3)?;
    let acknowledged = stage.fleet.ledger().tip(3);
    stage.say("node 3", format!("is killed (-9); its last block was {acknowledged}"));
    stage.fleet.ask(1, Task::Read { quorum: quorum.id.0, root })?;
    let length = stage.read(1, keccak256(data))?;
    stage.say("node 1", format!("reads the data set all the same: {length} bytes"));
    let goal = stage.fleet.ledger().height() + 3;
    stage.reach(goal)?;
    stage.say("chain", format!("three of four go on: block {goal} is final"));

    let begin = Instant::now();
    stage.fleet.start(3)?;
    let goal = stage.fleet.ledger().height() + 1;
    stage.reach(goal)?;
    let took = begin.elapsed().as_millis();
    stage.say("node 3", format!("is back and has block {goal}, {took} ms after its start"));
    Ok(took)
}

fn cheat<F: FnMut(&Entry)>(
    stage: &mut Stage<F>,
    quorum: &Quorum,
    contract: Address,
    root: B256,
) -> Result<String, StoryError> {
    let id = quorum.id.0;
    stage.fleet.ask(2, Task::Corrupt { quorum: id, root })?;
    stage.say("node 2", "damages the shards that it vouched for");
    // A block that is final only now: nobody could foresee it.
    let goal = stage.fleet.ledger().height() + 1;
    stage.reach(goal)?;
    let beacon = stage.fleet.ledger().digest(goal).unwrap_or_default();
    for node in 0..NODES {
        let data_sets = vec![root];
        stage.fleet.ask(node, Task::Audit { quorum: id, beacon, data_sets })?;
    }
    stage.say(quorum.name, format!("audits its members by the digest of block {goal}"));
    let certified = stage.certificate(id, "Audit")?;
    bring(stage, quorum, contract, &certified)?;
    let [(member, index, path)] = certified.failed.as_slice() else {
        return Err(StoryError::Expected {
            what: "members that failed the audit",
            expected: "node 2 alone".into(),
            got: format!("{:?}", certified.failed),
        });
    };
    if quorum.node_of(*member) != Some(2) {
        return Err(StoryError::Expected {
            what: "the member that failed the audit",
            expected: "node 2".into(),
            got: member.to_string(),
        });
    }
    let slash = Quorums::slashCall {
        committee: committee_key(quorum),
        statement: certified.statement.clone(),
        member: *member,
        index: U256::from(*index),
        path: path.clone(),
    };
    let carol = Stage::<F>::user("carol")?;
    let order = Order::call(contract, slash.abi_encode());
    let receipt = stage.transact(&carol, order, "slash")?;
    let what = format!("node 2 loses its stake of 5 ether in block {}", receipt.height);
    stage.say("chain", what.clone());
    Ok(what)
}

/// Brings a certificate to the chain, which checks it.
fn bring<F: FnMut(&Entry)>(
    stage: &mut Stage<F>,
    quorum: &Quorum,
    contract: Address,
    certified: &Certified,
) -> Result<(), StoryError> {
    // The envelope of the proof system: its version, and the certificate.
    let certificate = [[1].as_slice(), certified.certificate.as_ref()].concat();
    let certify = Quorums::certifyCall {
        committee: committee_key(quorum),
        statement: certified.statement.clone(),
        certificate: certificate.into(),
    };
    let bob = Stage::<F>::user("bob")?;
    let order = Order::call(contract, certify.abi_encode()).gas(4_000_000);
    let receipt = stage.transact(&bob, order, "certify")?;
    let (height, gas) = (receipt.height, receipt.gas_evm + receipt.gas_ai);
    stage.say("chain", format!("checked the certificate in block {height}, {gas} gas"));
    Ok(())
}

fn end<F: FnMut(&Entry)>(stage: &mut Stage<F>) -> Result<(), StoryError> {
    stage.fleet.stop(PATIENCE)?;
    let ledger = stage.fleet.ledger().clone();
    for node in 0..NODES {
        let folder = stage.fleet.folder(node);
        let audited = audit(node, NODES, &folder, &ledger)?;
        let (height, replayed) = (audited.height, audited.replayed);
        stage.say(
            &format!("node {node}"),
            format!("journal of {height} blocks: {replayed} executed again give the same state"),
        );
    }
    Ok(())
}

/// The name by which the chain knows a committee: that of its verifying key.
fn committee_key(quorum: &Quorum) -> B256 {
    let parts = [b"lazvm/verifying-key/1".as_slice(), [0; 4].as_slice(), quorum.roster.as_slice()];
    keccak256(parts.concat())
}

fn name() -> B256 {
    keccak256("blood pressure, 2026")
}

/// Lines of numbers, so that every line counts.
fn data_set() -> Vec<u8> {
    let row =
        |patient: u64| format!("{patient},{},{}\n", 100 + patient * 7 % 60, 60 + patient * 11 % 40);
    (0..12_000).map(row).collect::<String>().into_bytes()
}

fn stake_of_one() -> U256 {
    U256::from(5) * U256::from(10_u64.pow(18))
}

const NODES: usize = 4;
const PROMPT: &str = "Once upon a time";
