use core::time::Duration;
use std::{path::Path, time::Instant};

use alloy_primitives::{Address, B256, Bytes};
use lazvm_executor::{Order, Wallet};

use crate::{
    fleet::{Fleet, FleetOptions, Heard},
    node::{CHAIN_ID, Event, Receipt, Reply, Task, quorum_name},
    story::{Entry, StoryError, Timeline},
};

/// The nodes, and what is told of them.
pub(crate) struct Stage<F> {
    pub(crate) fleet: Fleet,
    pub(crate) timeline: Timeline<F>,
    /// From the proposal of each block until the first node told of it, in milliseconds.
    pub(crate) finality_ms: Vec<u64>,
    told: u64,
}

/// A certificate that a node told of.
#[derive(Clone, Debug)]
pub(crate) struct Certified {
    pub(crate) root: Option<B256>,
    pub(crate) statement: Bytes,
    pub(crate) certificate: Bytes,
    pub(crate) signers: u32,
    pub(crate) failed: Vec<(Address, u64, Vec<B256>)>,
}

impl<F: FnMut(&Entry)> Stage<F> {
    pub(crate) fn new(program: &Path, folder: &Path, tell: F) -> Result<Self, StoryError> {
        let fleet = Fleet::new(program, folder, FleetOptions::default())?;
        let timeline = Timeline::new(tell);
        Ok(Self { fleet, timeline, finality_ms: Vec::new(), told: 0 })
    }

    pub(crate) fn say(&mut self, who: &str, what: impl Into<String>) {
        self.timeline.add(who, what.into());
    }

    /// Waits for an event that `pick` makes something of.
    pub(crate) fn wait<T>(
        &mut self,
        mut pick: impl FnMut(&Fleet, &Heard) -> Option<T>,
    ) -> Result<T, StoryError> {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let height = self.fleet.ledger().height();
            let late = crate::fleet::FleetError::Late { within: PATIENCE, height };
            let heard = self.fleet.next(left)?.ok_or(late)?;
            match &heard.event {
                Some(Event::Final { height, proposed_ms, .. }) if *height > self.told => {
                    self.told = *height;
                    let now = std::time::SystemTime::now();
                    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
                    self.finality_ms.push(now.saturating_sub(*proposed_ms));
                }
                Some(Event::Fault { reason }) => {
                    self.say(&format!("node {}", heard.node), format!("cannot: {reason}"));
                }
                _ => {}
            }
            if let Some(picked) = pick(&self.fleet, &heard) {
                return Ok(picked);
            }
        }
    }

    /// Waits until every node that runs has block `height`.
    pub(crate) fn reach(&mut self, height: u64) -> Result<(), StoryError> {
        let running = self.fleet.running();
        let there = |fleet: &Fleet| running.iter().all(|node| fleet.ledger().tip(*node) >= height);
        if there(&self.fleet) {
            return Ok(());
        }
        self.wait(|fleet, _| there(fleet).then_some(()))
    }

    /// Sends a transaction of `wallet` and waits until node 0 has it in a final block.
    pub(crate) fn transact(
        &mut self,
        wallet: &Wallet,
        order: Order,
        what: &'static str,
    ) -> Result<Receipt, StoryError> {
        let nonce = self.fleet.nonce(0, wallet.address())?;
        let name = self.fleet.submit(&wallet.sign(nonce, order)?)?;
        loop {
            if let Reply::Receipt(Some(receipt)) =
                self.fleet.ask(0, Task::Receipt { transaction: name })?
            {
                if receipt.success {
                    return Ok(receipt);
                }
                return Err(StoryError::Reverted { what, output: receipt.output });
            }
            let of_node_0 =
                |heard: &Heard| heard.node == 0 && matches!(heard.event, Some(Event::Final { .. }));
            self.wait(|_, heard| of_node_0(heard).then_some(()))?;
        }
    }

    /// Waits until a node tells of a certificate of this kind.
    pub(crate) fn certificate(
        &mut self,
        quorum: B256,
        expected: &str,
    ) -> Result<Certified, StoryError> {
        let certified = self.wait(|_, heard| match heard.event.clone()? {
            Event::Certified {
                quorum: id,
                kind,
                root,
                statement,
                certificate,
                signers,
                failed,
            } if id == quorum && kind == expected => {
                Some(Certified { root, statement, certificate, signers, failed })
            }
            _ => None,
        })?;
        let signers = certified.signers;
        let bytes = certified.certificate.len();
        let what = format!("certified {expected}: {signers} of 4 signed, {bytes} bytes");
        self.say(quorum_name(quorum), what);
        Ok(certified)
    }

    /// Waits until a node has put a data set together, and checks what it read.
    pub(crate) fn read(&mut self, node: usize, expected: B256) -> Result<u64, StoryError> {
        let result = self.wait(|_, heard| match &heard.event {
            Some(Event::Read { result, .. }) if heard.node == node => Some(result.clone()),
            _ => None,
        })?;
        match result {
            Ok((length, hash)) if hash == expected => Ok(length),
            other => Err(StoryError::Expected {
                what: "the hash of the data set",
                expected: expected.to_string(),
                got: format!("{other:?}"),
            }),
        }
    }

    pub(crate) fn user(name: &str) -> Result<Wallet, StoryError> {
        Ok(Wallet::named(name, CHAIN_ID)?)
    }
}

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
