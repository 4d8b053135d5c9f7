//! Tokens against a model in Rust, over random sequences of calls.

use alloy_primitives::{Address, Bytes, U256};
use alloy_sol_types::SolCall;
use lazvm_contracts::token::DataAnchoringToken::*;
use proptest::prelude::*;

use crate::{
    token::{allowed_by, anchor, data_set, sign_use},
    world::{ACCEPT, Account, BOMB, Outcome, REFUSE, World},
};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// After each call every unit of 2^-128 wei is somebody's, values and quotas are what the model
    /// says, and no call goes through that the model forbids.
    #[test]
    fn revenue_and_rights_are_conserved(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        let mut reference = Reference::new(&mut world);
        for (nonce, step) in steps.iter().enumerate() {
            let (outcome, expected) = reference.step(&mut world, step, nonce as u64);
            prop_assert_eq!(outcome.is_success, expected, "{:?}: {}", step, outcome.output);
            reference.check(&mut world)?;
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Consume { sender: usize, signer: usize, user: usize, asset: usize, calls: u64 },
    Distribute { who: usize, asset: usize },
    Grant { who: usize, to: usize, asset: usize, calls: u64 },
    Pay { who: usize, asset: usize, wei: u64 },
    React { reaction: u8 },
    SetNode { who: usize, node: usize, asset: usize, is_authorized: bool },
    Transfer { who: usize, from: usize, to: usize, asset: usize, value: u64 },
    TransferQuota { who: usize, to: usize, asset: usize, calls: u64 },
    Withdraw { who: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let (who, asset) = (0..ACCOUNTS, 0..ASSETS);
    let both = (who.clone(), who.clone(), asset.clone());
    prop_oneof![
        2 => (who.clone(), who.clone(), both.clone(), 0..4_u64).prop_map(
            |(sender, signer, (user, _, asset), calls)| {
                // Mostly whom it concerns.
                let (sender, signer) = (sender.min(3), if signer > 2 { user } else { signer });
                Step::Consume { sender, signer, user, asset, calls }
            }
        ),
        2 => (who.clone(), asset.clone()).prop_map(|(who, asset)| Step::Distribute { who, asset }),
        1 => (both.clone(), 0..5_u64).prop_map(|((who, to, asset), calls)| {
            Step::Grant { who, to, asset, calls }
        }),
        4 => (who.clone(), asset, prop_oneof![0..10_u64, 0..u64::MAX >> 8])
            .prop_map(|(who, asset, wei)| Step::Pay { who, asset, wei }),
        1 => prop_oneof![Just(ACCEPT), Just(REFUSE), Just(BOMB)]
            .prop_map(|reaction| Step::React { reaction }),
        1 => (both.clone(), any::<bool>()).prop_map(|((who, node, asset), is_authorized)| {
            Step::SetNode { who, node, asset, is_authorized }
        }),
        4 => (who.clone(), both.clone(), 0..60_u64, prop::bool::weighted(0.9)).prop_map(
            |(who, (from, to, asset), value, own)| {
                Step::Transfer { who: if own { from } else { who }, from, to, asset, value }
            }
        ),
        2 => (both, 0..6_u64).prop_map(|((who, to, asset), calls)| {
            Step::TransferQuota { who, to, asset, calls }
        }),
        3 => who.prop_map(|who| Step::Withdraw { who }),
    ]
}

/// An asset, whose holders are paid one by one, as nobody would in a contract.
#[derive(Debug)]
struct Asset {
    id: U256,
    issuer: usize,
    is_transferable: bool,
    parents: Vec<(usize, u16)>,
    holder_bps: u16,
    values: [u64; ACCOUNTS],
    quotas: [u64; ACCOUNTS],
    nodes: [bool; ACCOUNTS],
    /// In units of 2^-128 wei.
    earned: [U256; ACCOUNTS],
    remainder: U256,
    inbox: U256,
}

#[derive(Debug)]
struct Reference {
    /// The last one is a contract.
    accounts: Vec<Address>,
    reaction: u8,
    assets: Vec<Asset>,
    owed: [U256; ACCOUNTS],
}

impl Reference {
    fn new(world: &mut World) -> Self {
        let actor = world.actor();
        let accounts = vec![
            world.alice.address,
            world.bob.address,
            world.carol.address,
            world.mallory.address,
            actor,
        ];
        let mut assets: Vec<Asset> = Vec::new();
        // No parents; one; two, of which one is a parent of the other; not transferable.
        let kinds = [
            (vec![], 10_000, true),
            (vec![(0, 3_333)], 2_500, true),
            (vec![(0, 1), (1, 9_000)], 7_777, true),
            (vec![(2, 10_000)], 5_000, false),
        ];
        for (parents, holder_bps, is_transferable) in kinds {
            let anchor_ = Anchor {
                holderBps: holder_bps,
                isTransferable: is_transferable,
                parents: parents
                    .iter()
                    .map(|(index, bps)| Parent { id: assets[*index].id, bps: *bps })
                    .collect(),
                ..data_set()
            };
            let id = anchor(world, &anchor_);
            let (mut values, mut quotas) = ([0; ACCOUNTS], [0; ACCOUNTS]);
            (values[0], quotas[0]) = (100, 10);
            assets.push(Asset {
                id,
                issuer: 1,
                is_transferable,
                parents,
                holder_bps,
                values,
                quotas,
                nodes: [false; ACCOUNTS],
                earned: [U256::ZERO; ACCOUNTS],
                remainder: U256::ZERO,
                inbox: U256::ZERO,
            });
        }
        Self { accounts, reaction: ACCEPT, assets, owed: [U256::ZERO; ACCOUNTS] }
    }

    fn step(&mut self, world: &mut World, step: &Step, nonce: u64) -> (Outcome, bool) {
        match *step {
            Step::Pay { who, asset, wei } => {
                let call = payToHoldersCall { id: self.assets[asset].id };
                let expected = wei > 0;
                if expected {
                    self.split(asset, U256::from(wei));
                }
                (self.send(world, who, wei.into(), &call), expected)
            }
            Step::Distribute { who, asset } => {
                let inbox = core::mem::take(&mut self.assets[asset].inbox);
                let expected = !inbox.is_zero();
                if expected {
                    self.split(asset, inbox);
                }
                let call = distributeCall { id: self.assets[asset].id };
                (self.send(world, who, 0, &call), expected)
            }
            Step::Transfer { who, from, to, asset, value } => {
                let refuses = to == ACCOUNTS - 1 && self.reaction != ACCEPT;
                let stored = &mut self.assets[asset];
                let expected = who == from
                    && stored.is_transferable
                    && stored.values[from] >= value
                    && !refuses;
                if expected {
                    stored.values[from] -= value;
                    stored.values[to] += value;
                }
                let call = safeTransferFromCall {
                    from: self.accounts[from],
                    to: self.accounts[to],
                    id: stored.id,
                    value: U256::from(value),
                    data: Bytes::new(),
                };
                (self.send(world, who, 0, &call), expected)
            }
            Step::Withdraw { who } => {
                let to = self.accounts[who];
                let refuses = who == ACCOUNTS - 1 && self.reaction != ACCEPT;
                let whole: U256 = self.assets.iter().map(|asset| asset.earned[who] >> 128).sum();
                let amount = whole + self.owed[who];
                let expected = !amount.is_zero() && !refuses;
                if expected {
                    self.owed[who] = U256::ZERO;
                    for asset in &mut self.assets {
                        asset.earned[who] &= U256::from(u128::MAX);
                    }
                }
                let ids = self.assets.iter().map(|asset| asset.id).collect();
                let before = world.balance(to);
                let outcome = self.send(world, who, 0, &withdrawCall { ids, to });
                let paid = world.balance(to) - before;
                assert_eq!(paid, if expected { amount } else { U256::ZERO });
                (outcome, expected)
            }
            Step::Grant { who, to, asset, calls } => {
                let account = self.accounts[to];
                let stored = &mut self.assets[asset];
                let expected = who == stored.issuer;
                if expected {
                    stored.quotas[to] += calls;
                }
                let call = grantQuotaCall { id: stored.id, account, calls };
                (self.send(world, who, 0, &call), expected)
            }
            Step::TransferQuota { who, to, asset, calls } => {
                let account = self.accounts[to];
                let stored = &mut self.assets[asset];
                let expected = stored.is_transferable && stored.quotas[who] >= calls;
                if expected {
                    stored.quotas[who] -= calls;
                    stored.quotas[to] += calls;
                }
                let call = transferQuotaCall { id: stored.id, to: account, calls };
                (self.send(world, who, 0, &call), expected)
            }
            Step::SetNode { who, node, asset, is_authorized } => {
                let account = self.accounts[node];
                let stored = &mut self.assets[asset];
                let expected = who == stored.issuer;
                if expected {
                    stored.nodes[node] = is_authorized;
                }
                let call =
                    setNodeCall { id: stored.id, node: account, isAuthorized: is_authorized };
                (self.send(world, who, 0, &call), expected)
            }
            Step::Consume { sender, signer, user, asset, calls } => {
                let (node, account) = (self.accounts[sender], self.accounts[user]);
                let stored = &mut self.assets[asset];
                let use_ = allowed_by(world, account, stored.id, node, calls, nonce);
                let people: [Account; 4] = [
                    world.alice.clone(),
                    world.bob.clone(),
                    world.carol.clone(),
                    world.mallory.clone(),
                ];
                // The contract has signed nothing.
                let signature = people
                    .get(signer)
                    .map_or_else(Bytes::new, |person| sign_use(world, person, &use_));
                let expected = stored.nodes[sender]
                    && calls > 0
                    && stored.quotas[user] >= calls
                    && signer == user
                    && user < people.len();
                if expected {
                    stored.quotas[user] -= calls;
                }
                (self.send(world, sender, 0, &consumeCall { use_, signature }), expected)
            }
            Step::React { reaction } => {
                self.reaction = reaction;
                let actor = self.accounts[ACCOUNTS - 1];
                world.react(actor, reaction, Address::ZERO, vec![]);
                (world.try_ask(world.dat, &currentTokenIdCall {}), true)
            }
        }
    }

    fn split(&mut self, asset: usize, amount: U256) {
        let whole = U256::from(10_000);
        let mut rest = amount;
        for (parent, bps) in self.assets[asset].parents.clone() {
            let cut = amount * U256::from(bps) / whole;
            self.assets[parent].inbox += cut;
            rest -= cut;
        }
        let stored = &mut self.assets[asset];
        let to_holders = rest * U256::from(stored.holder_bps) / whole;
        let units = U256::from(100);
        let sum = (to_holders << 128) + stored.remainder;
        for (earned, value) in stored.earned.iter_mut().zip(stored.values) {
            *earned += sum / units * U256::from(value);
        }
        stored.remainder = sum % units;
        self.owed[stored.issuer] += rest - to_holders;
    }

    fn check(&self, world: &mut World) -> Result<(), TestCaseError> {
        let dat = world.dat;
        let mut units = self.owed.iter().sum::<U256>() << 128;
        for (index, account) in self.accounts.iter().enumerate() {
            prop_assert_eq!(world.ask(dat, &owedToCall { account: *account }), self.owed[index]);
        }
        for asset in &self.assets {
            let id = asset.id;
            prop_assert_eq!(world.ask(dat, &inboxOfCall { id }), asset.inbox);
            units += (asset.inbox << 128) + asset.remainder;
            for (index, account) in self.accounts.iter().enumerate() {
                let rights = world.ask(dat, &describeCall { id, account: *account }).rights;
                prop_assert_eq!(rights.value, U256::from(asset.values[index]));
                prop_assert_eq!(rights.quota, asset.quotas[index]);
                prop_assert_eq!(rights.withdrawable, asset.earned[index] >> 128);
                units += asset.earned[index];
            }
        }
        prop_assert_eq!(world.balance(dat) << 128, units);
        Ok(())
    }

    fn send<C: SolCall>(&self, world: &mut World, who: usize, value: u128, call: &C) -> Outcome {
        let dat = world.dat;
        if who == ACCOUNTS - 1 {
            world.act(self.accounts[who], dat, value, call)
        } else {
            world.send(self.accounts[who], dat, value, call)
        }
    }
}

const ACCOUNTS: usize = 5;
const ASSETS: usize = 4;
