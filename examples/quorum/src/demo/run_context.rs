use core::time::Duration;
use std::{
    collections::BTreeMap,
    path::Path,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256, Bytes};
use lazvm_executor::{TransactionRequest, Wallet};
use serde::Serialize;

use crate::{
    demo::DemoError,
    fleet::{Fleet, FleetError, NodeEvent},
    node::{CHAIN_ID, Event, Receipt, Reply, Task, quorum_name},
};

/// What the demo did.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
pub struct DemoReport {
    /// The entries of the timeline, in order.
    pub timeline: Vec<Entry>,
    /// The figures at the end, by name.
    pub summary: BTreeMap<String, String>,
}

/// An entry of the timeline.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Entry {
    /// Milliseconds since the demo began.
    pub at_ms: u64,
    /// Subject: `chain`, a quorum, a node or a user.
    pub who: String,
    /// What happened.
    pub what: String,
}

/// The running nodes, and the report so far.
pub(crate) struct RunContext<'a> {
    pub(crate) fleet: Fleet,
    pub(crate) report: DemoReport,
    pub(crate) begin: Instant,
    /// Milliseconds from the proposal of each block until the first node announced it.
    pub(crate) finality_ms: Vec<u64>,
    /// Height of the highest block in `finality_ms`.
    measured: u64,
    on_entry: Box<dyn FnMut(&Entry) + 'a>,
}

/// A certificate, as a node reported it.
#[derive(Clone, Debug)]
pub(crate) struct Certified {
    pub(crate) root: Option<B256>,
    pub(crate) statement: Bytes,
    pub(crate) certificate: Bytes,
    pub(crate) signers: u32,
    pub(crate) failed: Vec<(Address, u64, Vec<B256>)>,
}

impl<'a> RunContext<'a> {
    pub(crate) fn new(
        program: &Path,
        folder: &Path,
        on_entry: impl FnMut(&Entry) + 'a,
    ) -> Result<Self, DemoError> {
        Ok(Self {
            fleet: Fleet::new(program, folder)?,
            report: DemoReport::default(),
            begin: Instant::now(),
            finality_ms: Vec::new(),
            measured: 0,
            on_entry: Box::new(on_entry),
        })
    }

    /// Adds an entry to the timeline.
    pub(crate) fn log(&mut self, who: &str, what: impl Into<String>) {
        let at_ms = u64::try_from(self.begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        let entry = Entry { at_ms, who: who.to_owned(), what: what.into() };
        (self.on_entry)(&entry);
        self.report.timeline.push(entry);
    }

    /// Adds a figure to the summary.
    pub(crate) fn figure(&mut self, name: &str, value: String) {
        self.report.summary.insert(name.to_owned(), value);
    }

    /// Reads events until `pick` returns a value.
    pub(crate) fn wait<T>(
        &mut self,
        mut pick: impl FnMut(&Fleet, &NodeEvent) -> Option<T>,
    ) -> Result<T, DemoError> {
        let end = Instant::now() + TIMEOUT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let height = self.fleet.final_blocks().height();
            let late = FleetError::Late { within: TIMEOUT, height };
            let event = self.fleet.next(left)?.ok_or(late)?;
            match &event.event {
                Some(Event::Final { height, proposed_ms, .. }) if *height > self.measured => {
                    self.measured = *height;
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                    let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
                    self.finality_ms.push(now.saturating_sub(*proposed_ms));
                }
                Some(Event::Fault { reason }) => {
                    self.log(&format!("node {}", event.node), format!("cannot: {reason}"));
                }
                _ => {}
            }
            if let Some(picked) = pick(&self.fleet, &event) {
                return Ok(picked);
            }
        }
    }

    /// Waits until every running node has block `height`.
    pub(crate) fn wait_for_height(&mut self, height: u64) -> Result<(), DemoError> {
        let running = self.fleet.running();
        let reached =
            |fleet: &Fleet| running.iter().all(|node| fleet.final_blocks().tip(*node) >= height);
        if reached(&self.fleet) {
            return Ok(());
        }
        self.wait(|fleet, _| reached(fleet).then_some(()))
    }

    /// Sends a transaction of `wallet`, and waits until node 0 has it in a final block.
    pub(crate) fn transact(
        &mut self,
        wallet: &Wallet,
        request: TransactionRequest,
        purpose: &'static str,
    ) -> Result<Receipt, DemoError> {
        let nonce = self.fleet.nonce(0, wallet.address())?;
        let transaction = self.fleet.submit(&wallet.sign(nonce, request)?)?;
        loop {
            if let Reply::Receipt(Some(receipt)) =
                self.fleet.ask(0, Task::Receipt { transaction })?
            {
                if receipt.success {
                    return Ok(receipt);
                }
                return Err(DemoError::Reverted { what: purpose, output: receipt.output });
            }
            self.wait(|_, event| {
                let is_final = matches!(event.event, Some(Event::Final { .. }));
                (event.node == 0 && is_final).then_some(())
            })?;
        }
    }

    /// Waits until a node reports a certificate of this kind.
    pub(crate) fn certificate(
        &mut self,
        quorum: B256,
        expected: &str,
    ) -> Result<Certified, DemoError> {
        let certified = self.wait(|_, event| match event.event.clone()? {
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
        let (signers, bytes) = (certified.signers, certified.certificate.len());
        let what = format!("certified {expected}: {signers} of 4 signed, {bytes} bytes");
        self.log(quorum_name(quorum), what);
        Ok(certified)
    }

    /// Waits until a node has restored a dataset, and returns its length if the hash is `expected`.
    pub(crate) fn restored(&mut self, node: usize, expected: B256) -> Result<u64, DemoError> {
        let result = self.wait(|_, event| match &event.event {
            Some(Event::Read { result, .. }) if event.node == node => Some(result.clone()),
            _ => None,
        })?;
        match result {
            Ok((length, hash)) if hash == expected => Ok(length),
            other => Err(DemoError::Expected {
                what: "the hash of the dataset",
                expected: expected.to_string(),
                got: format!("{other:?}"),
            }),
        }
    }
}

/// Returns the wallet of a user of the example.
pub(crate) fn user(name: &str) -> Result<Wallet, DemoError> {
    Ok(Wallet::named(name, CHAIN_ID)?)
}

/// Time limit of every step.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(60);
