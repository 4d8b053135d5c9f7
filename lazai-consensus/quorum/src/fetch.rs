use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec::Vec,
};

use alloy_primitives::{Address, B256};
use lazai_availability::{Manifest, Shard};
use lazai_consensus::{Attestation, Committee, Epoch, VoteStore};

use super::{
    Message, Output, QuorumMember, Refusal, RestoreFailure, Shards, Task, Verdict,
    epochs::assignment,
};

/// A data set, or some stripes of it, that is being put together from any `k` shards of each stripe.
#[derive(Clone, Debug)]
pub(super) struct Fetch {
    manifest: Arc<Manifest>,
    /// The stripes that are put together.
    stripes: BTreeSet<u32>,
    have: Shards,
    /// Shards that are still needed, by stripe.
    needed: BTreeMap<u32, u16>,
    purposes: Vec<Purpose>,
    rounds: u32,
    next_ms: u64,
    deadline_ms: u64,
}

/// What a data set is put together for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Purpose {
    Judge(Attestation),
    Keep(Vec<(u32, u16)>),
    Read,
}

impl<V: VoteStore> QuorumMember<V> {
    /// Reads a data set, later if it is only known by its certificate yet.
    pub(super) fn read(&mut self, root: B256) -> Result<(), Refusal> {
        let is_coming = self.lacking.contains_key(&root) || self.intakes.contains_key(&root);
        if self.datasets.contains_key(&root) || !is_coming {
            return self.fetch(root, Purpose::Read);
        }
        if self.reads.len() >= MAX_PURPOSES {
            let (peer, max) = (self.address(), MAX_PURPOSES as u64);
            return Err(Refusal::Quota { peer, unit: "reads", max });
        }
        self.reads.insert(root);
        Ok(())
    }

    /// Reads what was waited for.
    pub(super) fn read_postponed(&mut self) {
        let known = self.reads.iter().filter(|root| self.datasets.contains_key(*root));
        let known: Vec<_> = known.copied().collect();
        for root in known {
            self.reads.remove(&root);
            if let Err(refusal) = self.fetch(root, Purpose::Read) {
                let data = Err(alloc::format!("{refusal}"));
                self.push(Output::Read { root, data });
            }
        }
    }

    /// Begins to put a data set together.
    pub(super) fn fetch(&mut self, root: B256, purpose: Purpose) -> Result<(), Refusal> {
        let (own, now_ms) = (self.address(), self.now_ms);
        let set = self.datasets.get(&root).ok_or(Refusal::UnknownDataset { root })?;
        let manifest = Arc::clone(&set.manifest);
        let (commitment, max) = (manifest.commitment(), self.limits.max_data_bytes);
        let (k, all) = (commitment.coding().k(), commitment.stripes());
        let known = self.fetches.get(&root).map_or(0, |fetch| fetch.stripes.len());
        // A repair takes no more stripes than it needs.
        let (stripes, count): (BTreeSet<_>, _) = match &purpose {
            Purpose::Keep(places) => {
                let stripes: BTreeSet<_> = places.iter().map(|(stripe, _)| *stripe).collect();
                let count = known.saturating_add(stripes.len()).min(all as usize);
                (stripes, count)
            }
            Purpose::Judge(_) | Purpose::Read => ((0..all).collect(), all as usize),
        };
        let got = commitment.restore_bytes().saturating_mul(count as u64);
        if got > max {
            return Err(Refusal::TooLarge { unit: "bytes in memory", got, max });
        }
        if let Some(fetch) = self.fetches.get_mut(&root) {
            if fetch.purposes.len() >= MAX_PURPOSES {
                let max = MAX_PURPOSES as u64;
                return Err(Refusal::Quota { peer: own, unit: "uses of a data set", max });
            }
            for stripe in stripes {
                if fetch.stripes.insert(stripe) {
                    fetch.needed.insert(stripe, k);
                    fetch.next_ms = now_ms;
                }
            }
            fetch.purposes.push(purpose);
            return Ok(());
        }
        if self.fetches.len() >= self.limits.max_fetches {
            let max = self.limits.max_fetches as u64;
            return Err(Refusal::Quota { peer: own, unit: "data sets", max });
        }
        let fetch = Fetch {
            needed: stripes.iter().map(|stripe| (*stripe, k)).collect(),
            stripes,
            manifest,
            have: Shards::new(),
            purposes: [purpose].into(),
            rounds: 0,
            next_ms: now_ms,
            deadline_ms: now_ms.saturating_add(self.limits.patience_ms),
        };
        self.fetches.insert(root, fetch);
        self.fetch_more(root);
        Ok(())
    }

    /// Asks holders: at first those of the data itself, later all, in turn by this epoch's and by the last one's seats.
    fn fetch_more(&mut self, root: B256) {
        let (now_ms, wait, own) = (self.now_ms, self.limits.resend_ms, self.address());
        let current = self.epochs.current();
        let Some(fetch) = self.fetches.get_mut(&root) else { return };
        fetch.next_ms = now_ms.saturating_add(wait.saturating_mul(2));
        let is_first = fetch.rounds == 0;
        let before = Epoch(current.0.saturating_sub(u64::from(fetch.rounds & 1)));
        fetch.rounds = fetch.rounds.saturating_add(1);
        let committee = self.epochs.committee(before).or_else(|| self.epochs.committee(current));
        let Some(committee) = committee.map(Arc::clone) else { return };
        let coding = fetch.manifest.commitment().coding();
        let Some(assignment) = assignment(&committee, coding) else { return };
        let last = if is_first { coding.k() } else { coding.n() };
        let places = fetch.needed.keys().flat_map(|stripe| (0..last).map(|index| (*stripe, index)));
        let places: Vec<_> =
            places.filter(|place| !fetch.have.contains_key(place)).take(MAX_ASKED).collect();
        for (stripe, index) in places {
            match holder(&committee, assignment.holder(stripe, index)) {
                Some(holder) if holder == own => {
                    self.push(Output::Run(Task::Load { root, stripe, index, to: own }));
                }
                Some(holder) => self.send(holder, &Message::Want { root, stripe, index }),
                None => {}
            }
        }
    }

    /// Takes a shard of a data set that is being put together; whether it was of use.
    pub(super) fn take_fetched(
        &mut self,
        from: Address,
        root: B256,
        bytes: &[u8],
    ) -> Result<bool, Refusal> {
        let Some(fetch) = self.fetches.get_mut(&root) else { return Ok(false) };
        let shard = Shard::decode(bytes, fetch.manifest.commitment())?;
        let place = (shard.stripe, shard.index);
        let Some(needed) = fetch.needed.get_mut(&place.0) else { return Ok(false) };
        if fetch.have.contains_key(&place) {
            return Ok(false);
        }
        // Costs as much hashing as bytes were sent; with it, whoever sends a wrong shard is known.
        let shard = match shard.into_owned().verify(&fetch.manifest) {
            Ok(shard) => shard.into_shard(),
            // One that is being taken in from another may still be meant.
            Err(_) if from == self.pen.address() => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        *needed = needed.saturating_sub(1);
        if *needed == 0 {
            fetch.needed.remove(&place.0);
        }
        fetch.have.insert(place, shard);
        if fetch.needed.is_empty()
            && let Some(fetch) = self.fetches.remove(&root)
        {
            self.use_fetched(fetch);
        }
        Ok(true)
    }

    fn use_fetched(&mut self, fetch: Fetch) {
        let Fetch { manifest, have, purposes, .. } = fetch;
        let have = Arc::new(have);
        for purpose in purposes {
            let (manifest, shards) = (Arc::clone(&manifest), Arc::clone(&have));
            self.push(Output::Run(match purpose {
                Purpose::Judge(attestation) => Task::Judge { attestation, manifest, shards },
                Purpose::Keep(keep) => Task::Restore { manifest, shards, keep },
                Purpose::Read => Task::Restore { manifest, shards, keep: Vec::new() },
            }));
        }
    }

    pub(super) fn restored(
        &mut self,
        root: B256,
        keep: &[(u32, u16)],
        result: Result<Vec<u8>, RestoreFailure>,
    ) {
        if !keep.is_empty() {
            match result {
                Ok(_) => self.repaired(root, keep),
                Err(failure) => {
                    self.repaired(root, &[]);
                    match failure {
                        RestoreFailure::Fault(reason) => self.fault(reason),
                        RestoreFailure::Inconsistent(proof) => self.expose(root, &proof),
                    }
                }
            }
            return;
        }
        match result {
            Ok(data) => self.push(Output::Read { root, data: Ok(data) }),
            Err(RestoreFailure::Fault(reason)) => {
                self.push(Output::Read { root, data: Err(reason) });
            }
            Err(RestoreFailure::Inconsistent(proof)) => {
                let data = Err("its shards contradict each other".into());
                self.push(Output::Read { root, data });
                self.expose(root, &proof);
            }
        }
    }

    /// Asks others for what did not come, and gives up what takes too long.
    pub(super) fn fetch_again(&mut self) {
        let now_ms = self.now_ms;
        let roots: Vec<_> = self.fetches.keys().copied().collect();
        for root in roots {
            let Some(fetch) = self.fetches.get(&root) else { continue };
            if now_ms >= fetch.deadline_ms {
                let purposes = self.fetches.remove(&root).map(|fetch| fetch.purposes);
                for purpose in purposes.into_iter().flatten() {
                    self.give_up(root, &purpose);
                }
            } else if now_ms >= fetch.next_ms {
                self.fetch_more(root);
            }
        }
    }

    fn give_up(&mut self, root: B256, purpose: &Purpose) {
        match purpose {
            Purpose::Judge(attestation) => self.judged(*attestation, Verdict::Abstain),
            Purpose::Keep(_) => {
                self.fault("too few members give shards to repair from".into());
                self.repaired(root, &[]);
            }
            Purpose::Read => {
                let data = Err("too few members give their shards".into());
                self.push(Output::Read { root, data });
            }
        }
    }
}

fn holder(committee: &Committee, place: Option<u16>) -> Option<Address> {
    committee.members().get(usize::from(place?)).map(|member| member.address)
}

/// Uses of a data set that is put together once.
const MAX_PURPOSES: usize = 16;
/// Shards that are asked for at once; the others follow.
const MAX_ASKED: usize = 512;
