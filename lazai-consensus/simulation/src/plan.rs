use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use core::time::Duration;

use super::{
    Crash, Disk, Link, Partition, PowerCut, Region, Signatures, StorageFaults, Twins,
    executors::Executors,
};

/// The complete input of a run.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) nodes: u16,
    pub(super) seed: u64,
    pub(super) link: Link,
    pub(super) unstable: Option<(Duration, Link)>,
    pub(super) regions: Vec<Region>,
    pub(super) partitions: Vec<Partition>,
    pub(super) crashes: Vec<Crash>,
    pub(super) power_cuts: Vec<PowerCut>,
    pub(super) storage: Option<StorageFaults>,
    pub(super) twins: Twins,
    pub(super) signatures: Signatures,
    pub(super) shut_out: bool,
    pub(super) duration: Duration,
    pub(super) blocks: u64,
    pub(super) within: Duration,
    pub(super) max_views: Option<u64>,
    pub(super) cycle: Duration,
    pub(super) executors: Option<Executors>,
    pub(super) epoch_length: u64,
}

impl Plan {
    /// Returns the nodes that follow the protocol.
    pub(super) fn honest(&self) -> BTreeSet<u16> {
        (0..self.nodes)
            .filter(|node| !self.twins.nodes.contains(node))
            .filter(|node| self.lost_disks(*node, Duration::MAX) == 0)
            .collect()
    }

    /// Returns the number of faulty nodes that the protocol tolerates.
    pub(super) const fn faults(&self) -> u16 {
        self.nodes.saturating_sub(1) / 3
    }

    /// Returns the end of the last timed fault.
    pub(super) fn heal(&self) -> Duration {
        self.changes().into_iter().fold(self.duration, Ord::max)
    }

    /// Returns the times at which a fault begins or ends.
    pub(super) fn changes(&self) -> BTreeSet<Duration> {
        let mut times = BTreeSet::new();
        times.extend(self.unstable.iter().map(|(until, _)| *until));
        times.extend(self.partitions.iter().flat_map(|split| [split.from, split.to]));
        times.extend(self.crashes.iter().flat_map(|crash| [crash.at, crash.until]));
        times.extend(self.power_cuts.iter().flat_map(|cut| [cut.at, cut.until]));
        times.extend(self.storage.iter().map(|faults| faults.until));
        times
    }

    /// Returns the time of the first power cut after `now`.
    pub(super) fn next_cut(&self, now: Duration) -> Option<Duration> {
        self.power_cuts.iter().map(|cut| cut.at).filter(|at| *at > now).min()
    }

    /// Returns whether the node is planned to run at `now`.
    pub(super) fn up(&self, node: u16, now: Duration) -> bool {
        !self.crashes.iter().any(|crash| crash.node == node && crash.at <= now && now < crash.until)
            && !self.power_cuts.iter().any(|cut| cut.at <= now && now < cut.until)
    }

    /// Returns how many disks the node has lost by `now`.
    pub(super) fn lost_disks(&self, node: u16, now: Duration) -> usize {
        let lost = |crash: &&Crash| crash.node == node && crash.disk == Disk::Lost;
        self.crashes.iter().filter(lost).filter(|crash| crash.at <= now).count()
    }

    /// Returns the active links.
    pub(super) fn links(&self, now: Duration) -> BTreeMap<(u16, u16), Link> {
        let mut links = BTreeMap::new();
        for from in 0..self.nodes {
            for to in (0..self.nodes).filter(|to| *to != from) {
                let apart = |split: &&Partition| split.from <= now && now < split.to;
                if self.partitions.iter().filter(apart).any(|split| split.separates(from, to)) {
                    continue;
                }
                links.insert((from, to), self.link(from, to, now));
            }
        }
        links
    }

    fn link(&self, from: u16, to: u16, now: Duration) -> Link {
        if let Some((_, link)) = self.unstable.filter(|(until, _)| now < *until) {
            return link;
        }
        let region = |node: u16| self.regions.get(usize::from(node));
        match (region(from), region(to)) {
            (Some(from), Some(to)) => Link { latency: from.one_way(*to), ..self.link },
            _ => self.link,
        }
    }
}
