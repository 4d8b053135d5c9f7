//! Jobs against a model in Rust, over random sequences of calls.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use lazvm_contracts::jobs::LazJobs::*;
use proptest::prelude::*;

use crate::{
    jobs::{MAX_FLOPS, MAX_PEAK_BYTES, SHARE_BPS, Setup, fee},
    models, token,
    world::{ACCEPT, BOMB, BURN, CALL, Outcome, REFUSE, World},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// After each call the wei of the contract are the escrows of open jobs and what is owed, each
    /// of which is what the model says, and no call goes through that the model forbids.
    #[test]
    fn escrow_is_conserved(steps in prop::collection::vec(step(), 1..50)) {
        let mut world = World::new();
        let setup = Setup::on(&mut world);
        let mut reference = Reference::new(&mut world, &setup);
        for step in steps {
            let (outcome, expected) = reference.step(&mut world, &setup, &step);
            prop_assert_eq!(outcome.is_success, expected, "{:?}: {}", step, outcome.output);
            reference.check(&mut world)?;
        }
        // In the end everybody is paid, and nothing is left.
        reference.close(&mut world)?;
    }
}

#[derive(Clone, Debug)]
enum Step {
    Cancel { who: usize, job: usize },
    Decline { who: usize, job: usize },
    Deliver { who: usize, job: usize, flops: u64, is_true: bool, other_terms: bool },
    Forward { who: usize, is_agent: bool },
    React { reaction: u8 },
    Refund { who: usize, job: usize },
    Request { by_actor: bool, chosen: bool, calls_back: bool, has_agent: bool, wait: u64, pays: i8 },
    Reprice,
    Wait { seconds: u64 },
    Withdraw { who: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let (who, job) = (0..5_usize, 0..4_usize);
    prop_oneof![
        1 => (who.clone(), job.clone()).prop_map(|(who, job)| Step::Cancel { who, job }),
        1 => (who.clone(), job.clone()).prop_map(|(who, job)| Step::Decline { who, job }),
        6 => (who.clone(), job.clone(), 0..=MAX_FLOPS, prop::bool::weighted(0.8), prop::bool::weighted(0.1))
            .prop_map(|(who, job, flops, is_true, other_terms)| {
                Step::Deliver { who, job, flops, is_true, other_terms }
            }),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, is_agent)| Step::Forward { who, is_agent }),
        1 => (0..5_u8).prop_map(|reaction| Step::React { reaction }),
        2 => (who.clone(), job).prop_map(|(who, job)| Step::Refund { who, job }),
        5 => (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), 1..2_000_u64, -1..8_i8)
            .prop_map(|(by_actor, chosen, calls_back, has_agent, wait, pays)| {
                Step::Request { by_actor, chosen, calls_back, has_agent, wait, pays }
            }),
        1 => Just(Step::Reprice),
        2 => (0..900_u64).prop_map(|seconds| Step::Wait { seconds }),
        2 => who.prop_map(|who| Step::Withdraw { who }),
    ]
}

#[derive(Debug)]
struct Job {
    id: B256,
    terms: Terms,
    is_open: bool,
    is_cancelling: bool,
    deadline: u64,
    escrow: U256,
}

/// What the contract should hold, and owe to whom.
#[derive(Debug)]
struct Reference {
    /// Alice and the actor request, Carol and Mallory work, Bob owns the model.
    accounts: [Address; 5],
    agent: U256,
    reaction: u8,
    jobs: Vec<Job>,
    owed: BTreeMap<Address, U256>,
    owed_to_dat: BTreeMap<U256, U256>,
    share: u16,
    gamma: u64,
    model_dat: U256,
}

impl Reference {
    fn new(world: &mut World, setup: &Setup) -> Self {
        let actor = world.actor();
        let agent = token::agent(world, setup.model, AGENT_FEE);
        let accounts = [
            world.alice.address,
            actor,
            world.carol.address,
            world.mallory.address,
            world.bob.address,
        ];
        Self {
            accounts,
            agent,
            reaction: ACCEPT,
            jobs: Vec::new(),
            owed: BTreeMap::new(),
            owed_to_dat: BTreeMap::new(),
            share: SHARE_BPS,
            gamma: models::tariff().gamma,
            model_dat: U256::ZERO,
        }
    }

    /// Does a step, and tells whether it should have succeeded.
    fn step(&mut self, world: &mut World, setup: &Setup, step: &Step) -> (Outcome, bool) {
        let now = world.time();
        match *step {
            Step::Wait { seconds } => {
                world.pass(1, seconds);
                (self.nothing(world), true)
            }
            Step::React { reaction } => {
                self.reaction = reaction;
                let actor = self.accounts[1];
                // Whatever it tries when it is called, it tries with what it has.
                let data = withdrawCall { to: actor }.abi_encode();
                world.react(actor, reaction, world.jobs, data);
                (self.nothing(world), true)
            }
            Step::Reprice => {
                models::raise(world, setup.model);
                (self.share, self.gamma, self.model_dat) = (10_000, 1 << 40, U256::ZERO);
                if self.jobs.len().is_multiple_of(2) {
                    models::set_dat(world, setup.model, self.agent);
                    self.share = SHARE_BPS;
                    self.gamma = models::tariff().gamma;
                    self.model_dat = self.agent;
                }
                (self.nothing(world), true)
            }
            Step::Request { by_actor, chosen, calls_back, has_agent, wait, pays } => {
                let mut request = setup.request(world);
                request.deadline = now + wait;
                if chosen {
                    request.worker = self.accounts[2];
                }
                if calls_back {
                    request.callbackGas = 60_000;
                    request.callbackGasPrice = alloy_primitives::aliases::U96::from(2);
                }
                if has_agent {
                    request.agent = self.agent;
                }
                let price = self.price(MAX_FLOPS, MAX_PEAK_BYTES)
                    + U256::from(if has_agent { AGENT_FEE } else { 0 })
                    + U256::from(if calls_back { 140_000 } else { 0 });
                // Mostly the right value, sometimes one wei less or more.
                let value: u128 = match pays {
                    -1 => price.to::<u128>() - 1,
                    0 => price.to::<u128>() + 1,
                    _ => price.to(),
                };
                let call = requestCall { request_: request.clone() };
                let outcome = if by_actor {
                    world.act(self.accounts[1], world.jobs, value, &call)
                } else {
                    world.send(self.accounts[0], world.jobs, value, &call)
                };
                let expected = pays > 0;
                if expected && outcome.is_success {
                    let event: JobRequested = outcome.event();
                    self.jobs.push(Job {
                        id: event.id,
                        terms: event.terms,
                        is_open: true,
                        is_cancelling: false,
                        deadline: request.deadline,
                        escrow: price,
                    });
                }
                (outcome, expected)
            }
            Step::Cancel { who, job } => {
                let caller = self.accounts[who];
                let Some(index) = self.index(job) else { return (self.nothing(world), true) };
                let job = &mut self.jobs[index];
                let expected = job.is_open && !job.is_cancelling && job.terms.requester == caller;
                if expected {
                    job.is_cancelling = true;
                    job.deadline = job.deadline.min(now + 600);
                }
                let call = cancelCall { id: job.id };
                (self.send(world, who, &call), expected)
            }
            Step::Refund { who, job } => {
                let Some(index) = self.index(job) else { return (self.nothing(world), true) };
                let job = &self.jobs[index];
                let expected = job.is_open && now > job.deadline;
                let call = refundCall { id: job.id };
                if expected {
                    self.close_job(index);
                }
                (self.send(world, who, &call), expected)
            }
            Step::Decline { who, job } => {
                let Some(index) = self.index(job) else { return (self.nothing(world), true) };
                let job = &self.jobs[index];
                let expected = job.is_open && job.terms.worker == self.accounts[who];
                let call = declineCall { id: job.id, terms: job.terms.clone() };
                if expected {
                    self.close_job(index);
                }
                (self.send(world, who, &call), expected)
            }
            Step::Deliver { who, job, flops, is_true, other_terms } => {
                let Some(index) = self.index(job) else { return (self.nothing(world), true) };
                let worker = self.accounts[who];
                let Job { id, ref terms, is_open, deadline, escrow, .. } = self.jobs[index];
                let mut terms = terms.clone();
                let chosen = terms.worker;
                let mut delivery = setup.delivery_of(id, worker, flops, MAX_PEAK_BYTES);
                if !is_true {
                    delivery.flops ^= 1;
                }
                if other_terms {
                    // Everything to the worker.
                    terms.modelShareBps = if terms.modelShareBps == 0 { 1 } else { 0 };
                }
                let expected = is_open
                    && now <= deadline
                    && is_true
                    && !other_terms
                    && (chosen.is_zero() || chosen == worker);
                let call = deliverCall { id, terms: terms.clone(), delivery };
                if expected {
                    let price = fee_of(&terms, flops, MAX_PEAK_BYTES);
                    let model = price * U256::from(terms.modelShareBps) / U256::from(10_000);
                    let callback =
                        if terms.callbackGas == 0 { U256::ZERO } else { U256::from(140_000) };
                    let agent = U256::from(terms.agentFee);
                    self.owe(worker, price - model + callback);
                    self.owe(terms.requester, escrow - price - callback - agent);
                    *self.owed_to_dat.entry(terms.agent).or_default() += agent;
                    if terms.modelDat.is_zero() {
                        self.owe(terms.modelOwner, model);
                    } else {
                        *self.owed_to_dat.entry(terms.modelDat).or_default() += model;
                    }
                    self.jobs[index].is_open = false;
                    self.jobs[index].escrow = U256::ZERO;
                }
                (self.send(world, who, &call), expected)
            }
            Step::Withdraw { who } => self.withdraw(world, who),
            Step::Forward { who, is_agent } => {
                let dat = if is_agent { self.agent } else { U256::ZERO };
                let expected =
                    self.owed_to_dat.remove(&dat).is_some_and(|amount| !amount.is_zero());
                (self.send(world, who, &forwardCall { dat }), expected)
            }
        }
    }

    fn withdraw(&mut self, world: &mut World, who: usize) -> (Outcome, bool) {
        let to = self.accounts[who];
        let owed = self.owed.get(&to).copied().unwrap_or_default();
        // The actor may refuse the money, and then still has its claim.
        let refuses = who == 1 && [REFUSE, BURN, BOMB].contains(&self.reaction);
        let expected = !owed.is_zero() && !refuses;
        let before = world.balance(to);
        let outcome = self.send(world, who, &withdrawCall { to });
        if expected {
            self.owed.remove(&to);
            assert_eq!(world.balance(to) - before, owed);
        }
        (outcome, expected)
    }

    fn check(&self, world: &mut World) -> Result<(), TestCaseError> {
        let jobs = world.jobs;
        let mut sum = U256::ZERO;
        for account in self.accounts {
            let owed = world.ask(jobs, &owedToCall { account });
            prop_assert_eq!(owed, self.owed.get(&account).copied().unwrap_or_default());
            sum += owed;
        }
        for dat in [U256::ZERO, self.agent] {
            let owed = world.ask(jobs, &owedToDatCall { dat });
            prop_assert_eq!(owed, self.owed_to_dat.get(&dat).copied().unwrap_or_default());
            sum += owed;
        }
        for job in &self.jobs {
            let stored = world.ask(jobs, &jobCall { id: job.id });
            prop_assert_eq!(stored.escrow, job.escrow);
            prop_assert_eq!(matches!(stored.status, 1 | 2), job.is_open);
            prop_assert_eq!(stored.deadline, job.deadline);
            sum += stored.escrow;
        }
        prop_assert_eq!(world.balance(jobs), sum);
        Ok(())
    }

    fn close(&mut self, world: &mut World) -> Result<(), TestCaseError> {
        world.pass(1, 100_000);
        let actor = self.accounts[1];
        self.reaction = ACCEPT;
        world.react(actor, CALL, world.jobs, vec![]);
        for index in 0..self.jobs.len() {
            if self.jobs[index].is_open {
                let call = refundCall { id: self.jobs[index].id };
                self.close_job(index);
                prop_assert!(self.send(world, 3, &call).is_success);
            }
        }
        for who in 0..5 {
            let (outcome, expected) = self.withdraw(world, who);
            prop_assert_eq!(outcome.is_success, expected);
        }
        if self.owed_to_dat.remove(&self.agent).is_some_and(|amount| !amount.is_zero()) {
            let forwarded = self.send(world, 3, &forwardCall { dat: self.agent });
            prop_assert!(forwarded.is_success);
        }
        prop_assert_eq!(world.balance(world.jobs), U256::ZERO);
        Ok(())
    }

    fn close_job(&mut self, index: usize) {
        let job = &mut self.jobs[index];
        let (requester, escrow) = (job.terms.requester, job.escrow);
        (job.is_open, job.escrow) = (false, U256::ZERO);
        self.owe(requester, escrow);
    }

    fn owe(&mut self, account: Address, amount: U256) {
        *self.owed.entry(account).or_default() += amount;
    }

    /// One of the last jobs.
    const fn index(&self, job: usize) -> Option<usize> {
        self.jobs.len().checked_sub(1 + job)
    }

    fn price(&self, flops: u64, peak_bytes: u64) -> U256 {
        let more = U256::from(self.gamma - models::tariff().gamma) * U256::from(7);
        fee(flops, peak_bytes) + more
    }

    fn send<C: SolCall>(&self, world: &mut World, who: usize, call: &C) -> Outcome {
        let jobs = world.jobs;
        if who == 1 {
            world.act(self.accounts[1], jobs, 0, call)
        } else {
            world.send(self.accounts[who], jobs, 0, call)
        }
    }

    fn nothing(&self, world: &mut World) -> Outcome {
        world.try_ask(world.jobs, &MAX_WAITCall {})
    }
}

fn fee_of(terms: &Terms, flops: u64, peak_bytes: u64) -> U256 {
    let more = terms.tariff.gamma - models::tariff().gamma;
    fee(flops, peak_bytes) + U256::from(more) * U256::from(7)
}

const AGENT_FEE: u128 = 4_321;
