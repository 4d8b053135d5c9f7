use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};

use alloy_primitives::{Address, B256};
use lazai_availability::{Manifest, Shard};
use lazai_consensus::{Attestation, Committee, Epoch};

use crate::{
    Effect, Message, Refusal, Shards, Verdict,
    assignment::assignment,
    context::Context,
    event::{Event, Events},
};

/// The datasets that a member puts together from the shards of others.
#[derive(Debug, Default)]
pub(crate) struct Fetching {
    fetches: BTreeMap<B256, Fetch>,
    /// Datasets that are to be read once their manifest is here.
    postponed: BTreeSet<B256>,
}

/// What a dataset is put together for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// To be judged by a policy.
    Judge(Attestation),
    /// To keep these shards of it.
    Keep(Vec<(u32, u16)>),
    /// For the owner of the member.
    Read,
}

/// A dataset, or some stripes of it, that is being put together from any `k` shards of each stripe.
#[derive(Clone, Debug)]
struct Fetch {
    manifest: Arc<Manifest>,
    /// The stripes that are put together.
    stripes: BTreeSet<u32>,
    have: Shards,
    /// How many shards are still needed of each stripe.
    needed: BTreeMap<u32, u16>,
    purposes: Vec<Purpose>,
    rounds: u32,
    next_ms: u64,
    deadline_ms: u64,
}

impl Fetching {
    /// Returns how many datasets are being put together.
    pub(crate) fn load(&self) -> usize {
        self.fetches.len()
    }

    /// Returns the datasets that are being put together.
    pub(crate) fn roots(&self) -> Vec<B256> {
        self.fetches.keys().copied().collect()
    }

    /// Returns whether a dataset is being put together.
    pub(crate) fn contains(&self, root: B256) -> bool {
        self.fetches.contains_key(&root)
    }

    /// Begins to put a dataset together, if its manifest is known.
    pub(crate) fn begin(
        &mut self,
        context: &Context,
        root: B256,
        manifest: Option<&Arc<Manifest>>,
        purpose: Purpose,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        let (own, now_ms, limits) = (context.own, context.now_ms, &context.limits);
        let manifest = Arc::clone(manifest.ok_or(Refusal::UnknownDataset { root })?);
        let (commitment, max) = (manifest.commitment(), limits.max_data_bytes);
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
                return Err(Refusal::Quota { peer: own, unit: "uses of a dataset", max });
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
        if self.fetches.len() >= limits.max_fetches {
            let max = limits.max_fetches as u64;
            return Err(Refusal::Quota { peer: own, unit: "datasets", max });
        }
        let mut fetch = Fetch {
            needed: stripes.iter().map(|stripe| (*stripe, k)).collect(),
            stripes,
            manifest,
            have: Shards::new(),
            purposes: [purpose].into(),
            rounds: 0,
            next_ms: now_ms,
            deadline_ms: context.after_ms(limits.patience_ms),
        };
        fetch.ask_holders(context, root, events);
        self.fetches.insert(root, fetch);
        Ok(())
    }

    /// Reads a dataset for the owner once its manifest is here.
    pub(crate) fn postpone(&mut self, context: &Context, root: B256) -> Result<(), Refusal> {
        if self.postponed.len() >= MAX_PURPOSES {
            let (peer, max) = (context.own, MAX_PURPOSES as u64);
            return Err(Refusal::Quota { peer, unit: "reads", max });
        }
        self.postponed.insert(root);
        Ok(())
    }

    /// Begins to read the datasets that were waited for, and that `manifest` knows now.
    pub(crate) fn read_postponed<'a>(
        &mut self,
        context: &Context,
        manifest: impl Fn(B256) -> Option<&'a Arc<Manifest>>,
        events: &mut Events,
    ) {
        let known = self.postponed.iter().copied();
        let known: Vec<_> =
            known.filter_map(|root| manifest(root).map(|manifest| (root, manifest))).collect();
        for (root, manifest) in known {
            self.postponed.remove(&root);
            let begun = self.begin(context, root, Some(manifest), Purpose::Read, events);
            if let Err(refusal) = begun {
                events.read(root, Err(alloc::format!("{refusal}")));
            }
        }
    }

    /// Takes a shard of a dataset that is being put together. Returns whether it was of use.
    pub(crate) fn take_shard(
        &mut self,
        context: &Context,
        from: Address,
        root: B256,
        bytes: &[u8],
        events: &mut Events,
    ) -> Result<bool, Refusal> {
        let Some(fetch) = self.fetches.get_mut(&root) else { return Ok(false) };
        let shard = Shard::decode(bytes, fetch.manifest.commitment())?;
        let place = (shard.stripe, shard.index);
        let Some(needed) = fetch.needed.get_mut(&place.0) else { return Ok(false) };
        if fetch.have.contains_key(&place) {
            return Ok(false);
        }
        // Costs as much hashing as bytes were sent; with it, the sender of a wrong shard is known.
        let shard = match shard.into_owned().verify(&fetch.manifest) {
            Ok(shard) => shard.into_shard(),
            // One that is being taken in from another may still be meant.
            Err(_) if from == context.own => return Ok(false),
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
            fetch.finish(events);
        }
        Ok(true)
    }

    /// Asks others for what did not come of a dataset, and gives up what takes too long.
    pub(crate) fn retry(&mut self, context: &Context, root: B256, events: &mut Events) {
        let Some(fetch) = self.fetches.get_mut(&root) else { return };
        if context.now_ms >= fetch.deadline_ms {
            let purposes = self.fetches.remove(&root).map(|fetch| fetch.purposes);
            for purpose in purposes.into_iter().flatten() {
                give_up(root, &purpose, events);
            }
        } else if context.now_ms >= fetch.next_ms {
            fetch.ask_holders(context, root, events);
        }
    }
}

impl Fetch {
    /// Asks holders: at first those of the data itself, later all, in turn by the seats of this
    /// epoch and of the last one.
    fn ask_holders(&mut self, context: &Context, root: B256, events: &mut Events) {
        let (epochs, current) = (&context.epochs, context.epochs.current());
        self.next_ms = context.after_ms(context.limits.resend_ms.saturating_mul(2));
        let is_first = self.rounds == 0;
        let before = Epoch(current.0.saturating_sub(u64::from(self.rounds & 1)));
        self.rounds = self.rounds.saturating_add(1);
        let Some(committee) = epochs.committee(before).or_else(|| epochs.committee(current)) else {
            return;
        };
        let coding = self.manifest.commitment().coding();
        let Some(assignment) = assignment(committee, coding) else { return };
        let last = if is_first { coding.k() } else { coding.n() };
        let places = self.needed.keys().flat_map(|stripe| (0..last).map(|index| (*stripe, index)));
        let places = places.filter(|place| !self.have.contains_key(place)).take(MAX_ASKED);
        for (stripe, index) in places {
            match holder(committee, assignment.holder(stripe, index)) {
                Some(to) if to == context.own => {
                    events.run(Effect::Load { root, stripe, index, to });
                }
                Some(to) => events.send(to, Message::Want { root, stripe, index }),
                None => {}
            }
        }
    }

    /// Has the shards used for all that they were fetched for.
    fn finish(self, events: &mut Events) {
        let Self { manifest, have, purposes, .. } = self;
        let have = Arc::new(have);
        for purpose in purposes {
            let (manifest, shards) = (Arc::clone(&manifest), Arc::clone(&have));
            events.run(match purpose {
                Purpose::Judge(attestation) => Effect::Judge { attestation, manifest, shards },
                Purpose::Keep(keep) => Effect::Restore { manifest, shards, keep },
                Purpose::Read => Effect::Restore { manifest, shards, keep: Vec::new() },
            });
        }
    }
}

fn give_up(root: B256, purpose: &Purpose, events: &mut Events) {
    match purpose {
        Purpose::Judge(attestation) => {
            events.push(Event::Judged(*attestation, Verdict::Abstain));
        }
        Purpose::Keep(_) => {
            events.fault("too few members give shards to repair from");
            events.push(Event::RepairFailed(root));
        }
        Purpose::Read => {
            let data: Result<_, String> = Err("too few members give their shards".into());
            events.read(root, data);
        }
    }
}

fn holder(committee: &Committee, place: Option<u16>) -> Option<Address> {
    committee.members().get(usize::from(place?)).map(|member| member.address)
}

/// Uses of a dataset that is put together once.
const MAX_PURPOSES: usize = 16;
/// Shards that are asked for at once; the others follow.
const MAX_ASKED: usize = 512;
