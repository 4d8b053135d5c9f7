use core::time::Duration;
use std::{collections::BTreeMap, time::Instant};

use alloy_primitives::{Address, U256};
use lazvm_executor::{TransactionRequest, Wallet, WalletError};

use crate::{
    crash_test::CrashTestError,
    fleet::{Fleet, FleetError, NodeEvent},
    node::{CHAIN_ID, Event, RAW_PROMPT},
};

/// Users who send transactions all the time: transfers, and now and then a question to the model.
#[derive(Debug)]
pub(crate) struct LoadGenerator {
    users: Vec<Wallet>,
    /// Nonce of the last transaction of each user.
    sent: Vec<Option<u64>>,
    /// Number of questions to the model.
    pub(crate) prompts: u64,
    ready: BTreeMap<usize, Ready>,
}

/// The state with which a validator came up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ready {
    pub(crate) at: Instant,
    pub(crate) height: u64,
    pub(crate) replayed: u64,
    pub(crate) cut_bytes: u64,
}

impl LoadGenerator {
    pub(crate) fn new() -> Result<Self, WalletError> {
        let users = ["alice", "bob", "carol"].map(|name| Wallet::named(name, CHAIN_ID));
        let users = users.into_iter().collect::<Result<Vec<_>, _>>()?;
        let sent = vec![None; users.len()];
        Ok(Self { users, sent, prompts: 0, ready: BTreeMap::new() })
    }

    /// Sends transactions and reads events until `until` holds, at most for [`TIMEOUT`].
    pub(crate) fn run(
        &mut self,
        fleet: &mut Fleet,
        until: impl Fn(&Fleet) -> bool,
    ) -> Result<(), CrashTestError> {
        let end = Instant::now() + TIMEOUT;
        while !until(fleet) {
            if Instant::now() >= end {
                let height = fleet.final_blocks().height();
                return Err(FleetError::Late { within: TIMEOUT, height }.into());
            }
            self.send(fleet)?;
            if let Some(event) = fleet.next(TICK)? {
                self.note(&event);
            }
            while let Some(event) = fleet.next(Duration::ZERO)? {
                self.note(&event);
            }
        }
        Ok(())
    }

    /// Forgets that a validator was ready, because it is started again.
    pub(crate) fn forget_ready(&mut self, node: usize) {
        self.ready.remove(&node);
    }

    /// Waits until a validator that was started at `start` is ready.
    pub(crate) fn wait_ready(
        &mut self,
        fleet: &mut Fleet,
        node: usize,
        start: Instant,
    ) -> Result<Ready, CrashTestError> {
        loop {
            if let Some(ready) = self.ready.remove(&node) {
                return Ok(ready);
            }
            let left = TIMEOUT.saturating_sub(start.elapsed());
            let height = fleet.final_blocks().height();
            let late = FleetError::Late { within: TIMEOUT, height };
            let event = fleet.next(left)?.ok_or(late)?;
            self.note(&event);
        }
    }

    fn note(&mut self, event: &NodeEvent) {
        let NodeEvent { node, at, event } = event;
        if let Some(Event::Ready { height, replayed, cut_bytes, .. }) = *event {
            self.ready.insert(*node, Ready { at: *at, height, replayed, cut_bytes });
        }
    }

    /// Sends the next transaction of each user whose last one is committed.
    fn send(&mut self, fleet: &mut Fleet) -> Result<(), CrashTestError> {
        let Some(node) = fleet.running().first().copied() else { return Ok(()) };
        for (user, wallet) in self.users.iter().enumerate() {
            // A validator that is coming up does not reply yet.
            let Ok(nonce) = fleet.nonce(node, wallet.address()) else { continue };
            let is_prompt = (nonce + user as u64).is_multiple_of(PROMPT_EVERY);
            let request = if is_prompt {
                let prompt = format!("Once {nonce}").into_bytes();
                TransactionRequest::call(RAW_PROMPT, prompt).gas(1_500_000)
            } else {
                TransactionRequest::transfer(Address::repeat_byte(0x77), U256::from(nonce))
            };
            // It is sent again until it is committed: the pool of a killed validator is lost.
            let taken = fleet.submit(&wallet.sign(nonce, request)?).is_ok();
            if taken && self.sent[user] != Some(nonce) {
                self.sent[user] = Some(nonce);
                self.prompts += u64::from(is_prompt);
            }
        }
        Ok(())
    }
}

/// Time limit of every step. A chain that takes longer counts as halted.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(20);
/// One of so many transactions is a question to the model.
const PROMPT_EVERY: u64 = 5;
