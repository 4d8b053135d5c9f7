use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};
use core::time::Duration;

use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::simulated::{self, Network, Oracle};
use commonware_runtime::{
    Clock as _, Supervisor as _,
    deterministic::{self, FaultConfig, PartialWriteMode, Runner, WriteConfig},
};
use commonware_utils::{NZUsize, Probability, probability, sync::Mutex};

use super::{
    Link, StorageFaults, Violation,
    application::now,
    nodes::{NodeFactory, RunContext, RunningNodes},
    plan::Plan,
    record::Record,
};

/// The raw outcome of a run, as input of the checker.
#[derive(Debug)]
pub(super) struct RawOutcome {
    pub(super) record: Record,
    pub(super) progress: Progress,
    /// A digest of every step of the runtime.
    pub(super) trace: String,
    pub(super) elapsed: Duration,
}

/// The observations of the driver.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) violations: Vec<Violation>,
    /// The time after the last fault, and the highest view at that time.
    pub(super) healed: Option<(Duration, u64)>,
    /// Number of stops due to disk faults.
    pub(super) refused: u64,
    /// Number of stops due to crashes and power cuts.
    pub(super) crashes: u64,
}

/// Executes a plan to its end.
pub(super) fn drive<C: NodeFactory>(plan: &Plan, factory: &C) -> Result<RawOutcome, String> {
    let mut progress = Progress::default();
    let config = deterministic::Config::new()
        .with_seed(plan.seed)
        .with_cycle(plan.cycle)
        .with_catch_panics(plan.storage.is_some())
        .with_storage_fault_config(fault_config(plan.seed, plan.storage));
    let mut runner = Runner::new(config);
    loop {
        let progress = &mut progress;
        let (ended, checkpoint) =
            runner.start_and_recover(|context| phase(context, plan, factory, progress));
        if let Some(elapsed) = ended? {
            let trace = checkpoint.auditor().state();
            let record = factory.record().lock().clone();
            let progress = core::mem::take(progress);
            return Ok(RawOutcome { record, progress, trace, elapsed });
        }
        runner = Runner::from(checkpoint);
    }
}

/// Runs until the next power cut or the end of the run. Returns the time of the end, or `None`
/// after a power cut.
async fn phase<C: NodeFactory>(
    context: deterministic::Context,
    plan: &Plan,
    factory: &C,
    progress: &mut Progress,
) -> Result<Option<Duration>, String> {
    let cut = plan.next_cut(now(&context));
    let (max_size, peer_sets) = factory.network();
    let config = simulated::Config {
        max_size,
        max_peers_per_set: NZUsize!(usize::from(plan.nodes)),
        disconnect_on_block: plan.shut_out,
        tracked_peer_sets: NZUsize!(peer_sets),
    };
    let peers = factory.participants().iter().cloned();
    let (network, oracle) = Network::new_with_peers(context.child("network"), config, peers).await;
    network.start();

    let mut links = BTreeMap::new();
    let mut nodes = RunningNodes::new(RunContext { context: &context, oracle: &oracle }, factory);
    // Restart times of nodes with disk faults.
    let mut restart_at: BTreeMap<u16, Duration> = BTreeMap::new();
    // Start times of the nodes. A disk fault may surface only at a later write: it excuses every
    // node that ran at the time of the fault, and no node started after the faults.
    let mut started: BTreeMap<u16, Duration> = BTreeMap::new();
    loop {
        let time = now(&context);
        if plan.storage.is_some_and(|faults| faults.until <= time) {
            *context.storage_fault_config().write() = fault_config(plan.seed, None);
        }
        update_links(&oracle, factory.participants(), &mut links, plan.links(time)).await?;
        for node in nodes.take_ended() {
            let since = started.get(&node).copied().unwrap_or(time);
            if plan.storage.is_some_and(|faults| since < faults.until) {
                progress.refused = progress.refused.saturating_add(1);
            } else {
                progress.violations.push(Violation::Stopped { node, at: time });
            }
            restart_at.insert(node, time.saturating_add(RESTART_DELAY));
        }
        for node in 0..plan.nodes {
            let is_due = restart_at.get(&node).is_none_or(|until| *until <= time);
            match (plan.up(node, time), nodes.is_up(node)) {
                (true, false) if is_due => {
                    started.insert(node, time);
                    nodes.start(node, plan.lost_disks(node, time)).await?;
                }
                (false, true) => {
                    progress.crashes = progress.crashes.saturating_add(1);
                    nodes.stop(node);
                }
                _ => {}
            }
        }
        factory.listen();
        heal(plan, factory.record(), time, progress);
        if finished(plan, factory.record(), time, progress) {
            record_blocked(&oracle, factory).await?;
            return Ok(Some(time));
        }
        let next = plan.changes().into_iter().find(|change| *change > time);
        let wake = next.map_or(Duration::MAX, |next| next).min(time.saturating_add(TICK));
        context.sleep(wake.saturating_sub(time)).await;
        if cut.is_some_and(|cut| cut <= now(&context)) {
            factory.listen();
            record_blocked(&oracle, factory).await?;
            progress.crashes = progress.crashes.saturating_add(u64::from(plan.nodes));
            return Ok(None);
        }
    }
}

/// Records the time at which all faults have ended.
fn heal(plan: &Plan, record: &Mutex<Record>, time: Duration, progress: &mut Progress) {
    let view = record.lock().highest_view;
    if progress.healed.is_none() && time >= plan.heal() && view >= plan.twins.views() {
        progress.healed = Some((time, view));
    }
}

/// Returns whether all honest nodes have finalized enough blocks or run out of time.
fn finished(plan: &Plan, record: &Mutex<Record>, time: Duration, progress: &mut Progress) -> bool {
    let (since, view) = progress.healed.unwrap_or((plan.heal(), u64::MAX));
    let record = record.lock();
    let missing: Vec<(u16, u64)> = plan
        .honest()
        .into_iter()
        .filter_map(|node| {
            let views = record.final_views.get(&node);
            let after = view.checked_add(1);
            let got = match (views, after) {
                (Some(views), Some(after)) => views.range(after..).count() as u64,
                _ => 0,
            };
            (got < plan.blocks).then_some((node, got))
        })
        .collect();
    if missing.is_empty() {
        return progress.healed.is_some();
    }
    if time < since.saturating_add(plan.within) {
        return false;
    }
    for (node, got) in missing {
        let (expected, within) = (plan.blocks, plan.within);
        progress.violations.push(Violation::Stalled { node, expected, got, within });
    }
    true
}

/// Records the blocked peers of each node as accusations.
async fn record_blocked<C: NodeFactory>(
    oracle: &Oracle<PublicKey, deterministic::Context>,
    factory: &C,
) -> Result<(), String> {
    let blocked = oracle.blocked().await.map_err(|error| format!("no network: {error}"))?;
    let seat = |key: &PublicKey| {
        let seat = factory.participants().iter().position(|other| other == key);
        seat.and_then(|seat| u16::try_from(seat).ok())
    };
    let pairs: BTreeSet<(u16, u16)> =
        blocked.iter().filter_map(|(by, of)| Some((seat(by)?, seat(of)?))).collect();
    factory.record().lock().accusations.extend(pairs);
    Ok(())
}

/// Changes the links of the network to `wanted`.
async fn update_links(
    oracle: &Oracle<PublicKey, deterministic::Context>,
    keys: &[PublicKey],
    links: &mut BTreeMap<(u16, u16), Link>,
    wanted: BTreeMap<(u16, u16), Link>,
) -> Result<(), String> {
    if *links == wanted {
        return Ok(());
    }
    let key = |node: u16| {
        let key = keys.get(usize::from(node)).cloned();
        key.ok_or_else(|| format!("there is no node {node}"))
    };
    // A changed link is removed and added again.
    for ((from, to), _) in links.iter().filter(|(pair, link)| wanted.get(pair) != Some(link)) {
        let removed = oracle.remove_link(key(*from)?, key(*to)?).await;
        removed.map_err(|error| format!("no link from {from} to {to}: {error}"))?;
    }
    for ((from, to), link) in &wanted {
        if links.get(&(*from, *to)) == Some(link) {
            continue;
        }
        let made = simulated::Link {
            latency: link.latency,
            jitter: link.jitter,
            success_rate: rate(u64::from(1000_u16.saturating_sub(link.loss_permille)), 1000),
        };
        let added = oracle.add_link(key(*from)?, key(*to)?, made).await;
        added.map_err(|error| format!("no link from {from} to {to}: {error}"))?;
    }
    *links = wanted;
    Ok(())
}

/// Returns the fault model of the disks. A power cut or a failed write keeps a part of the unsynced
/// bytes: in half of the runs a prefix of about 200 bytes, in the others each byte with probability
/// 1/2.
fn fault_config(seed: u64, faults: Option<StorageFaults>) -> FaultConfig {
    let faults = faults.unwrap_or_default();
    let ppm = |ppm: u32| rate(u64::from(ppm), 1_000_000);
    let (mode, retention_rate) = if seed.is_multiple_of(2) {
        // Each byte is kept with this probability if the one before it is.
        (PartialWriteMode::Prefix, rate(199, 200))
    } else {
        (PartialWriteMode::Subset, rate(1, 2))
    };
    let write = WriteConfig { failure_rate: ppm(faults.write_ppm), retention_rate, mode };
    FaultConfig::default()
        .open(ppm(faults.open_ppm))
        .read(ppm(faults.read_ppm))
        .sync(ppm(faults.sync_ppm))
        .write(write)
}

fn rate(part: u64, whole: u64) -> Probability {
    Probability::new(part.min(whole), whole).unwrap_or(probability!(0.0))
}

/// Polling interval of the driver.
const TICK: Duration = Duration::from_millis(50);
/// Down time of a node after a disk fault.
const RESTART_DELAY: Duration = Duration::from_millis(700);
