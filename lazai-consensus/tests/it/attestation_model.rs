//! Every order of events of the attestation of a dataset, searched without gaps.
//!
//! Four members of equal weight, one or two of them dishonest, and a publisher that offers two
//! contradicting attestations in one slot. Honest members store shards, vote and crash at any time;
//! the network delivers any vote to the counting member, at any time, never, or many times;
//! dishonest members have signed everything from the start. Votes, journals, counts, certificates
//! and evidence are the real ones: the model only decides what happens next, and remembers what the
//! real code answered to the same question before.

use core::array;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard},
    time::Instant,
};

use alloy_primitives::B256;
use lazai_consensus::{
    AttestError, Attestation, Attestor, Committee, Epoch, Evidence, EvidenceError, Fact, Progress,
    Refuter, Tally, Vote, VoteJournal, VoteStoreError,
};
use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::support::{address, attestation, committee, secret};

#[test]
fn one_dishonest_member_of_four_breaks_nothing() {
    let start = Instant::now();
    let checker = AttestationModel::new(Rules::default()).checker().threads(2).spawn_bfs().join();
    println!(
        "states={} transitions={} depth={} seconds={:.1}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        start.elapsed().as_secs_f64(),
    );
    checker.assert_no_discovery(AGREEMENT);
    checker.assert_no_discovery(HELD);
    checker.assert_no_discovery(FAIR);
    // The search is not empty: both attestations can win, and the dishonest member can be
    // convicted.
    for name in [FIRST_WINS, SECOND_WINS, CONVICTED] {
        checker.assert_any_discovery(name);
    }
    assert!(checker.is_done());
    assert!(checker.unique_state_count() > 100_000, "{}", checker.unique_state_count());
}

#[test]
fn a_member_that_forgets_its_vote_breaks_agreement() {
    let rules = Rules { remembers_votes: false, ..Rules::default() };
    let path = counterexample(rules, AGREEMENT);
    assert!(path.iter().any(|action| matches!(action, Action::Crash(_))), "{path:?}");
    // It is then convicted, although it means well: that is what the journal is for.
    counterexample(rules, FAIR);
}

#[test]
fn a_member_that_votes_before_its_shards_are_on_disk_breaks_availability() {
    let rules = Rules { keeps_shards: false, ..Rules::default() };
    let path = counterexample(rules, HELD);
    assert!(path.iter().any(|action| matches!(action, Action::Crash(_))), "{path:?}");
}

#[test]
fn two_dishonest_members_of_four_break_agreement() {
    let rules = Rules { dishonest: 0b1100, ..Rules::default() };
    counterexample(rules, AGREEMENT);
    // Even then nobody is convicted who kept the rules.
    let checker = AttestationModel::new(rules).checker().threads(2).spawn_bfs().join();
    checker.assert_no_discovery(FAIR);
}

/// A way to break the property of this name.
fn counterexample(rules: Rules, name: &'static str) -> Vec<Action> {
    let until = HasDiscoveries::AnyOf([name].into());
    // Depth first: what is looked for lies deep, and any way there will do.
    let checker = AttestationModel::new(rules).checker().finish_when(until).spawn_dfs().join();
    let path = checker.assert_any_discovery(name).into_actions();
    println!("{name}: {path:?}");
    path
}

/// What is kept or broken on purpose.
#[derive(Clone, Copy)]
struct Rules {
    /// A bit for each dishonest member.
    dishonest: u8,
    /// Shards outlive a crash once their member has voted for them.
    keeps_shards: bool,
    /// A vote outlives a crash before it is signed.
    remembers_votes: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self { dishonest: 0b1000, keeps_shards: true, remembers_votes: true }
    }
}

/// The protocol, and what the real code has answered so far.
struct AttestationModel {
    rules: Rules,
    committee: &'static Committee,
    /// By member and attestation.
    votes: [[Vote; 2]; MEMBERS],
    /// Which attestations the attestor signs, by member and the attestation in its journal (the
    /// last is an empty one).
    signs: [[[bool; 2]; 3]; MEMBERS],
    counts: Mutex<Counts>,
}

impl AttestationModel {
    fn new(rules: Rules) -> Self {
        let committee: &'static Committee = Box::leak(Box::new(committee(&[1; MEMBERS])));
        let attestations = [1, 2].map(available);
        assert_eq!(attestations[0].slot(), attestations[1].slot());
        let votes = array::from_fn(|member| {
            attestations.map(|attestation| crate::support::vote(member, attestation, committee))
        });
        let signs = array::from_fn(|member| {
            [Some(0), Some(1), None].map(|journal| {
                let earlier = journal.map(|journal: usize| attestations[journal]);
                attestations.map(|attestation| signs(member, earlier, attestation, committee))
            })
        });
        let empty = Tally::new(committee, attestations[0].slot()).unwrap();
        let counts = Mutex::new(Counts {
            places: [(format!("{empty:?}"), 0)].into(),
            tallies: vec![empty],
            steps: BTreeMap::new(),
        });
        Self { rules, committee, votes, signs, counts }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap()
    }

    const fn is_honest(&self, member: usize) -> bool {
        self.rules.dishonest >> member & 1 == 0
    }
}

/// The attestation number `root` of the slot: datasets of one name and version.
const fn available(root: u8) -> Attestation {
    attestation(Fact::Available {
        dataset: B256::repeat_byte(0xda),
        version: 1,
        root: B256::repeat_byte(root),
        bytes: 4_096,
        k: 2,
        n: 4,
        until_epoch: Epoch(9),
    })
}

/// Whether an attestor whose journal holds `earlier` signs `attestation` after its machine has
/// started again.
fn signs(
    member: usize,
    earlier: Option<Attestation>,
    attestation: Attestation,
    committee: &Committee,
) -> bool {
    let folder = tempfile::tempdir().unwrap();
    let attestor = || {
        let journal = VoteJournal::open(folder.path().join("votes")).unwrap();
        Attestor::new(address(member), secret(member), journal)
    };
    if let Some(earlier) = earlier {
        attestor().attest(earlier, committee).unwrap();
    }
    match attestor().attest(attestation, committee) {
        Ok(vote) => vote.verify(committee).is_ok(),
        Err(AttestError::Store(VoteStoreError::Conflict { .. })) => false,
        Err(error) => panic!("{error}"),
    }
}

/// All counts that were reached, each stepped by the real code once for each vote.
struct Counts {
    tallies: Vec<Tally<&'static Committee>>,
    places: BTreeMap<String, u16>,
    steps: BTreeMap<(u16, usize, usize), Step>,
}

impl Counts {
    fn step(&mut self, model: &AttestationModel, from: u16, member: usize, choice: usize) -> Step {
        if let Some(step) = self.steps.get(&(from, member, choice)) {
            return *step;
        }
        let mut tally = self.tallies[usize::from(from)].clone();
        let progress = tally.add(&model.votes[member][choice]).unwrap();
        let (mut signers, mut accused) = (0, 0);
        match progress {
            Progress::Certified(certificate) => {
                certificate.verify(&available([1, 2][choice]), model.committee).unwrap();
                signers = u8::try_from(certificate.signers.bits()).unwrap();
            }
            Progress::Conflict(evidence) => accused = convict(&evidence, model.committee),
            Progress::Pending { .. } | Progress::Repeated => {}
        }
        let next = u16::try_from(self.tallies.len()).unwrap();
        let count = *self.places.entry(format!("{tally:?}")).or_insert(next);
        if count == next {
            self.tallies.push(tally);
        }
        let step = Step { count, signers, accused };
        self.steps.insert((from, member, choice), step);
        step
    }
}

/// What one vote changes: the next count, the signers of the certificate that it makes, and whom it
/// convicts.
#[derive(Clone, Copy)]
struct Step {
    count: u16,
    signers: u8,
    accused: u8,
}

fn convict(evidence: &Evidence, committee: &Committee) -> u8 {
    let offenders = evidence.verify(committee, &NoRefuter).unwrap();
    let places = offenders.members.iter().map(|member| committee.index_of(*member).unwrap());
    places.fold(0, |bits, place| bits | 1 << place)
}

#[derive(Debug)]
struct NoRefuter;

impl Refuter for NoRefuter {
    fn refutes(&self, _: &Attestation, _: &[u8]) -> Result<bool, EvidenceError> {
        unreachable!("no certificate is refuted here")
    }
}

#[derive(Clone, Debug, Eq, Hash, PartialEq)]
struct State {
    members: [MemberState; MEMBERS],
    /// Votes that were sent, a bit for each attestation: the network may deliver them from then on.
    sent: [u8; MEMBERS],
    /// What each counting member has counted.
    counts: [u16; COUNTING],
    /// The signers of the first certificate of each attestation, wherever it was made; 0 if there
    /// is none.
    certificates: [u8; 2],
    /// Those whom evidence convicts.
    accused: u8,
}

#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
struct MemberState {
    /// A bit for each attestation whose shards are kept.
    shards: u8,
    /// The attestation in the journal.
    journal: Option<usize>,
    /// A vote that is signed, but not sent.
    signed: Option<usize>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Action {
    /// A member stores its shards.
    Store { member: usize, choice: usize },
    /// A member is asked to vote, and its attestor signs.
    Sign { member: usize, choice: usize },
    /// A member sends what it signed.
    Send(usize),
    /// A member starts again with what is on its disk.
    Crash(usize),
    /// A vote reaches a counting member.
    Deliver { voter: usize, choice: usize, to: usize },
}

impl Model for AttestationModel {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let sent = array::from_fn(|member| if self.is_honest(member) { 0 } else { 0b11 });
        let members = [MemberState::default(); MEMBERS];
        vec![State { members, sent, counts: [0; COUNTING], certificates: [0; 2], accused: 0 }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for member in (0..MEMBERS).filter(|member| self.is_honest(*member)) {
            for choice in 0..2 {
                actions.push(Action::Store { member, choice });
                actions.push(Action::Sign { member, choice });
            }
            actions.push(Action::Send(member));
            actions.push(Action::Crash(member));
        }
        for (voter, sent) in state.sent.iter().enumerate() {
            for choice in (0..2).filter(|choice| sent >> choice & 1 == 1) {
                actions.extend((0..COUNTING).map(|to| Action::Deliver { voter, choice, to }));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        match action {
            Action::Store { member, choice } => next.members[member].shards |= 1 << choice,
            Action::Sign { member, choice } => {
                let MemberState { shards, journal, .. } = last.members[member];
                let may = self.signs[member][journal.unwrap_or(2)][choice];
                let has_sent = last.sent[member] >> choice & 1 == 1;
                if shards >> choice & 1 == 0 || !may || has_sent {
                    return None;
                }
                next.members[member].journal = Some(choice);
                next.members[member].signed = Some(choice);
            }
            Action::Send(member) => {
                next.sent[member] |= 1 << next.members[member].signed.take()?;
            }
            Action::Crash(member) => {
                let kept = &mut next.members[member];
                kept.signed = None;
                if !self.rules.remembers_votes {
                    kept.journal = None;
                }
                if !self.rules.keeps_shards {
                    kept.shards = 0;
                }
                if let Some(count) = next.counts.get_mut(member) {
                    *count = 0;
                }
            }
            Action::Deliver { voter, choice, to } => {
                let step = self.counts().step(self, last.counts[to], voter, choice);
                next.counts[to] = step.count;
                next.accused |= step.accused;
                if next.certificates[choice] == 0 {
                    next.certificates[choice] = step.signers;
                }
            }
        }
        (next != *last).then_some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(AGREEMENT, |_, state: &State| state.certificates.contains(&0)),
            Property::always(HELD, |model: &Self, state: &State| {
                (0..2).filter(|choice| state.certificates[*choice] != 0).all(|choice| {
                    let signers = state.certificates[choice];
                    let holds = |member: &usize| {
                        signers >> member & 1 == 1
                            && state.members[*member].shards >> choice & 1 == 1
                    };
                    let honest = (0..MEMBERS).filter(|member| model.is_honest(*member));
                    honest.filter(holds).count() > FAULTS
                })
            }),
            Property::always(FAIR, |model: &Self, state: &State| {
                state.accused & !model.rules.dishonest == 0
            }),
            Property::sometimes(FIRST_WINS, |_, state: &State| state.certificates[0] != 0),
            Property::sometimes(SECOND_WINS, |_, state: &State| state.certificates[1] != 0),
            Property::sometimes(CONVICTED, |_, state: &State| state.accused != 0),
        ]
    }
}

const MEMBERS: usize = 4;
/// Dishonest members that four can bear.
const FAULTS: usize = 1;
/// Members whose counts are followed, the first ones. A contradiction takes two certificates, so
/// two are enough.
const COUNTING: usize = 2;

const AGREEMENT: &str = "no two conflicting certificates";
const HELD: &str = "what is certified is held by f + 1 honest members";
const FAIR: &str = "no honest member is convicted";
const FIRST_WINS: &str = "the first statement is certified";
const SECOND_WINS: &str = "the second statement is certified";
const CONVICTED: &str = "a dishonest member is convicted";
