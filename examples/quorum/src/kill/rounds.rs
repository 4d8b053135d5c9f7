use core::time::Duration;
use std::{path::Path, time::Instant};

use alloy_primitives::{Address, U256, keccak256};
use lazvm_executor::{Order, Wallet, WalletError};

use crate::{
    fleet::{Fleet, FleetError, FleetOptions},
    kill::{AuditError, Audited, audit},
    node::{CHAIN_ID, Event, RAW_PROMPT},
};

/// How validators are killed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KillOptions {
    /// How often.
    pub rounds: u64,
    /// What decides who is killed when.
    pub seed: u64,
    /// How the validators run.
    pub fleet: FleetOptions,
}

/// What came of it. That there is a report means that no fork was seen and no block was lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KillReport {
    /// Validators killed, one for each restart.
    pub restarts: Vec<Restart>,
    /// Rounds in which all validators were killed at once.
    pub blackouts: u64,
    /// The height of the chain at the end.
    pub height: u64,
    /// Calls of models in the chain.
    pub ai_blocks: u64,
    /// How long the validators were up and down, in all.
    pub elapsed: Duration,
    /// What the files of each validator came to.
    pub audited: Vec<Audited>,
}

/// One validator that was killed and came back.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Restart {
    /// Which one.
    pub node: usize,
    /// The last block that it had acknowledged.
    pub acknowledged: u64,
    /// The last block that it had when it came back.
    pub found: u64,
    /// Blocks that it executed again.
    pub replayed: u64,
    /// Bytes of a torn record that it cut off.
    pub cut_bytes: u64,
    /// From its start until its state was there.
    pub ready: Duration,
    /// From its start until it had the block that was the highest of all when its state was there.
    pub caught_up: Duration,
}

/// Starts validators below `folder`, kills them at random times, starts them again, and checks after each round that
/// they agree and that none has lost a block.
///
/// `tell` hears of each restart.
///
/// # Errors
/// [`KillError`] if anything that must hold does not.
pub fn kill_loop(
    program: &Path,
    folder: &Path,
    options: KillOptions,
    mut tell: impl FnMut(u64, &Restart),
) -> Result<KillReport, KillError> {
    let begin = Instant::now();
    let mut fleet = Fleet::new(program, folder, options.fleet)?;
    let count = options.fleet.validators;
    for index in 0..count {
        fleet.start(index)?;
    }
    let mut load = Load::new()?;
    let mut report = KillReport::default();
    load.run(&mut fleet, PATIENCE, |fleet| fleet.ledger().height() >= 3)?;
    for round in 0..options.rounds {
        let mut draw = Draw { seed: options.seed, round, count: 0 };
        let up = Instant::now() + Duration::from_millis(draw.below(600));
        load.run(&mut fleet, PATIENCE, |_| Instant::now() >= up)?;
        let victims: Vec<_> = if round % BLACKOUT == BLACKOUT - 1 {
            report.blackouts += 1;
            (0..count).collect()
        } else {
            vec![usize::try_from(draw.below(count as u64)).unwrap_or(0)]
        };
        for victim in &victims {
            fleet.kill(*victim)?;
        }
        let down = Instant::now() + Duration::from_millis(draw.below(1_000));
        load.run(&mut fleet, PATIENCE, |_| Instant::now() >= down)?;
        for restart in come_back(&mut fleet, &mut load, &victims)? {
            tell(round, &restart);
            report.restarts.push(restart);
        }
        // And on it goes.
        let goal = fleet.ledger().height() + 2;
        let all = |fleet: &Fleet| (0..count).all(|node| fleet.ledger().tip(node) >= goal);
        load.run(&mut fleet, PATIENCE, all)?;
    }
    fleet.stop(PATIENCE)?;
    report.height = fleet.ledger().height();
    report.ai_blocks = load.prompts;
    report.elapsed = begin.elapsed();
    for index in 0..count {
        report.audited.push(audit(index, count, &fleet.folder(index), fleet.ledger())?);
    }
    Ok(report)
}

/// Starts validators again and waits until each has what the others had.
fn come_back(
    fleet: &mut Fleet,
    load: &mut Load,
    victims: &[usize],
) -> Result<Vec<Restart>, KillError> {
    let mut restarts = Vec::new();
    let mut started = Vec::new();
    for node in victims {
        load.ready.remove(node);
        started.push((*node, Instant::now(), fleet.ledger().tip(*node)));
        fleet.start(*node)?;
    }
    for (node, start, acknowledged) in started {
        let heard = loop {
            if let Some(ready) = load.ready.remove(&node) {
                break ready;
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            let late = FleetError::Late { within: PATIENCE, height: fleet.ledger().height() };
            let heard = fleet.next(left)?.ok_or(late)?;
            load.hear(&heard);
        };
        let (at, found, replayed, cut_bytes) = heard;
        if found < acknowledged {
            return Err(KillError::Lost { node, acknowledged, found });
        }
        let goal = fleet.ledger().height();
        load.run(fleet, PATIENCE, |fleet| fleet.ledger().tip(node) >= goal)?;
        restarts.push(Restart {
            node,
            acknowledged,
            found,
            replayed,
            cut_bytes,
            ready: at.saturating_duration_since(start),
            caught_up: start.elapsed(),
        });
    }
    Ok(restarts)
}

/// Users who send transactions all the time: transfers, and now and then a question to the model.
#[derive(Debug)]
struct Load {
    users: Vec<Wallet>,
    /// Of each user, the nonce that was sent last.
    sent: Vec<Option<u64>>,
    prompts: u64,
    /// What validators told when they came up: when, the last block, blocks replayed, bytes cut.
    ready: std::collections::BTreeMap<usize, (Instant, u64, u64, u64)>,
}

impl Load {
    fn new() -> Result<Self, WalletError> {
        let users = ["alice", "bob", "carol"].map(|name| Wallet::named(name, CHAIN_ID));
        let users = users.into_iter().collect::<Result<Vec<_>, _>>()?;
        let sent = vec![None; users.len()];
        Ok(Self { users, sent, prompts: 0, ready: Default::default() })
    }

    /// Sends and listens until `until` says that it is enough.
    fn run(
        &mut self,
        fleet: &mut Fleet,
        within: Duration,
        until: impl Fn(&Fleet) -> bool,
    ) -> Result<(), KillError> {
        let end = Instant::now() + within;
        while !until(fleet) {
            if Instant::now() >= end {
                let height = fleet.ledger().height();
                return Err(FleetError::Late { within, height }.into());
            }
            self.send(fleet)?;
            if let Some(heard) = fleet.next(TICK)? {
                self.hear(&heard);
            }
            while let Some(heard) = fleet.next(Duration::ZERO)? {
                self.hear(&heard);
            }
        }
        Ok(())
    }

    fn hear(&mut self, heard: &crate::fleet::Heard) {
        if let Some(Event::Ready { height, replayed, cut_bytes, .. }) = heard.event {
            self.ready.insert(heard.node, (heard.at, height, replayed, cut_bytes));
        }
    }

    /// Lets each user whose last transaction is through send another one.
    fn send(&mut self, fleet: &mut Fleet) -> Result<(), KillError> {
        let Some(node) = fleet.running().first().copied() else { return Ok(()) };
        for (user, wallet) in self.users.iter().enumerate() {
            // A validator that is only coming up does not answer yet, and that is as well.
            let Ok(nonce) = fleet.nonce(node, wallet.address()) else { continue };
            let order = if (nonce + user as u64).is_multiple_of(PROMPT_EVERY) {
                Order::call(RAW_PROMPT, format!("Once {nonce}").into_bytes()).gas(1_500_000)
            } else {
                Order::transfer(Address::repeat_byte(0x77), U256::from(nonce))
            };
            let is_prompt = order.to == Some(RAW_PROMPT);
            // Again, too: the pool of a validator does not survive it.
            if fleet.submit(&wallet.sign(nonce, order)?).is_ok() && self.sent[user] != Some(nonce) {
                self.sent[user] = Some(nonce);
                self.prompts += u64::from(is_prompt);
            }
        }
        Ok(())
    }
}

/// Numbers that a seed decides.
#[derive(Debug)]
struct Draw {
    seed: u64,
    round: u64,
    count: u64,
}

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        let words = [self.seed, self.round, self.count].map(u64::to_be_bytes);
        self.count += 1;
        let hash = keccak256(words.concat());
        let word = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        word % bound.max(1)
    }
}

/// Why the loop ended early.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum KillError {
    /// The files of a validator are not what they must be.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The validators do not agree, or do not go on.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A validator came back without a block that it had acknowledged.
    #[error("validator {node} had acknowledged block {acknowledged} and came back with {found}")]
    Lost {
        /// Which one.
        node: usize,
        /// The last block that it had acknowledged.
        acknowledged: u64,
        /// The last block that it has.
        found: u64,
    },
    /// A transaction cannot be signed.
    #[error(transparent)]
    Wallet(#[from] WalletError),
}

/// How long anything may take; what takes longer counts as a halt of the chain.
const PATIENCE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(20);
/// Every so many rounds all validators are killed at once.
const BLACKOUT: u64 = 5;
/// One of so many transactions is a question to the model.
const PROMPT_EVERY: u64 = 5;
