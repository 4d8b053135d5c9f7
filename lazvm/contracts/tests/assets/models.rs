//! What `LazModels` does.

use alloy_primitives::{Address, B256, U256, aliases::U96, keccak256};
use alloy_sol_types::{SolCall, SolError, SolValue};
use lazvm_contracts::models::LazModels::*;
use proptest::prelude::*;

use crate::{
    jobs::SHARE_BPS,
    scenarios,
    world::{NOTICE_BLOCKS, Outcome, World},
};

scenarios! {
    a_model_is_registered_by_who_committed_to_it,
    a_waiting_registration_cannot_be_copied,
    listings_are_bounded,
    owners_alone_change_a_model,
    ownership_is_offered_and_accepted,
    governance_decides_what_validators_hold,
    required_models_are_few_and_pruned,
    revoked_models_stay_revoked,
    governance_hands_over_in_two_steps,
    prices_are_rounded_up_to_whole_gas,
}

fn a_model_is_registered_by_who_committed_to_it(world: &mut World) {
    let (bob, models, model) = (world.bob.address, world.models, B256::repeat_byte(5));
    let call = registerCall { model_: model, listing: listing(), salt: SALT };
    let commitment = commitment(world, model, bob);
    world.send(bob, models, 0, &call).reverted(CommitmentMissing { commitment });
    let event: Committed = world.send(bob, models, 0, &commitCall { commitment }).event();
    let usable_from = U256::from(world.number() + 1);
    assert_eq!((event.commitment, event.usableFrom), (commitment, usable_from));
    world
        .send(bob, models, 0, &commitCall { commitment })
        .reverted(AlreadyCommitted { commitment });
    world.send(bob, models, 0, &call).reverted(CommitmentTooYoung { usableFrom: usable_from });
    world.pass(1, 1);
    let event: ModelRegistered = world.send(bob, models, 0, &call).event();
    assert_eq!((event.model, event.owner, event.listing), (model, bob, listing()));
    world.send(bob, models, 0, &call).reverted(AlreadyRegistered { model });
    let entry = world.ask(models, &modelCall { model_: model });
    assert_eq!((entry.owner, entry.isRevoked, entry.listing), (bob, false, listing()));
    let terms = world.ask(models, &termsCall { model_: model });
    assert_eq!((terms.owner_, terms.tariff), (bob, tariff()));
    assert_eq!((terms.shareBps, terms.datId), (SHARE_BPS, U256::ZERO));
    let call = registerCall { model_: B256::ZERO, listing: listing(), salt: SALT };
    world.send(bob, models, 0, &call).reverted(InvalidModel {});
}

fn a_waiting_registration_cannot_be_copied(world: &mut World) {
    let (mallory, models, model) = (world.mallory.address, world.models, B256::repeat_byte(5));
    let bob = world.bob.address;
    let commitment_ = commitment(world, model, bob);
    assert!(world.send(bob, models, 0, &commitCall { commitment: commitment_ }).is_success);
    world.pass(1, 1);
    // Mallory sees model and salt, and is first.
    let call = registerCall { model_: model, listing: listing(), salt: SALT };
    let own = commitment(world, model, mallory);
    world.send(mallory, models, 0, &call).reverted(CommitmentMissing { commitment: own });
    assert!(world.send(mallory, models, 0, &commitCall { commitment: own }).is_success);
    let usable_from = U256::from(world.number() + 1);
    world.send(mallory, models, 0, &call).reverted(CommitmentTooYoung { usableFrom: usable_from });
    assert!(world.send(bob, models, 0, &call).is_success);
    world.pass(1, 1);
    world.send(mallory, models, 0, &call).reverted(AlreadyRegistered { model });
}

fn listings_are_bounded(world: &mut World) {
    let (bob, models) = (world.bob.address, world.models);
    let model = registered(world);
    let right = listing();
    let mut wrong = vec![
        Listing { shareBps: 10_001, ..right.clone() },
        Listing { licence: "x".repeat(513), ..right.clone() },
        Listing { source: "x".repeat(513), ..right.clone() },
        right.clone(),
        right.clone(),
    ];
    wrong[3].tariff.alphaDenominator = 0;
    wrong[4].tariff.betaDenominator = 0;
    let other = B256::repeat_byte(6);
    let commitment = commitment(world, other, bob);
    assert!(world.send(bob, models, 0, &commitCall { commitment }).is_success);
    world.pass(1, 1);
    for listing in wrong {
        let call = updateCall { model_: model, listing: listing.clone() };
        world.send(bob, models, 0, &call).reverted(InvalidListing {});
        let call = registerCall { model_: other, listing, salt: SALT };
        world.send(bob, models, 0, &call).reverted(InvalidListing {});
    }
    let largest =
        Listing { shareBps: 10_000, licence: "x".repeat(512), source: "x".repeat(512), ..right };
    let call = updateCall { model_: model, listing: largest.clone() };
    let event: ModelUpdated = world.send(bob, models, 0, &call).event();
    assert_eq!((event.model, event.listing), (model, largest));
}

fn owners_alone_change_a_model(world: &mut World) {
    let model = registered(world);
    let models = world.models;
    let unknown = B256::repeat_byte(0xaa);
    for account in [world.mallory.address, world.admin.address] {
        let error = NotOwner { model, account };
        let call = updateCall { model_: model, listing: listing() };
        world.send(account, models, 0, &call).reverted(error.clone());
        let call = offerModelCall { model_: model, to: account };
        world.send(account, models, 0, &call).reverted(error);
    }
    let (bob, mallory) = (world.bob.address, world.mallory.address);
    world
        .send(mallory, models, 0, &revokeCall { model_: model })
        .reverted(NotOwner { model, account: mallory });
    for account in [bob, mallory] {
        let error = OwnableUnauthorizedAccount { account };
        let call = reassignCall { model_: model, to: account };
        world.send(account, models, 0, &call).reverted(error.clone());
        let call = requireModelCall { model_: model, fromBlock: 1_000 };
        world.send(account, models, 0, &call).reverted(error.clone());
        let call = releaseModelCall { model_: model, fromBlock: 1_000 };
        world.send(account, models, 0, &call).reverted(error.clone());
        let call = transferOwnershipCall { newOwner: account };
        world.send(account, models, 0, &call).reverted(error.clone());
        world.send(account, models, 0, &renounceOwnershipCall {}).reverted(error);
    }
    let admin = world.admin.address;
    every_user(world, bob, admin, unknown, &Unregistered { model: unknown });
}

/// All that needs a model that is registered and not revoked.
fn every_user<E>(world: &mut World, owner: Address, governance: Address, model_: B256, error: &E)
where
    E: SolError + Clone + PartialEq + core::fmt::Debug,
{
    let models = world.models;
    let call = updateCall { model_, listing: listing() };
    world.send(owner, models, 0, &call).reverted(error.clone());
    world.send(owner, models, 0, &offerModelCall { model_, to: owner }).reverted(error.clone());
    world.send(owner, models, 0, &acceptModelCall { model_ }).reverted(error.clone());
    world.send(owner, models, 0, &revokeCall { model_ }).reverted(error.clone());
    let call = reassignCall { model_, to: owner };
    world.send(governance, models, 0, &call).reverted(error.clone());
    let call = requireModelCall { model_, fromBlock: 1_000 };
    world.send(governance, models, 0, &call).reverted(error.clone());
    world.try_ask(models, &termsCall { model_ }).reverted(error.clone());
    world.try_ask(models, &quoteCall { model_, flops: 1, peakBytes: 1 }).reverted(error.clone());
}

fn ownership_is_offered_and_accepted(world: &mut World) {
    let model_ = registered(world);
    let models = world.models;
    let (bob, carol, mallory) = (world.bob.address, world.carol.address, world.mallory.address);
    let event: ModelOffered =
        world.send(bob, models, 0, &offerModelCall { model_, to: carol }).event();
    assert_eq!((event.owner, event.to), (bob, carol));
    world
        .send(mallory, models, 0, &acceptModelCall { model_ })
        .reverted(NotOffered { model: model_, account: mallory });
    let event: ModelTransferred = world.send(carol, models, 0, &acceptModelCall { model_ }).event();
    assert_eq!((event.model, event.from, event.to), (model_, bob, carol));
    world
        .send(carol, models, 0, &acceptModelCall { model_ })
        .reverted(NotOffered { model: model_, account: carol });
    world
        .send(bob, models, 0, &updateCall { model_, listing: listing() })
        .reverted(NotOwner { model: model_, account: bob });
    // An offer that is taken back, or that governance overtakes, is none.
    let admin = world.admin.address;
    for overtaken in [false, true] {
        let owner = world.ask(models, &modelCall { model_ }).owner;
        assert!(world.send(owner, models, 0, &offerModelCall { model_, to: mallory }).is_success);
        let taken_back = if overtaken {
            world.send(admin, models, 0, &reassignCall { model_, to: bob })
        } else {
            world.send(owner, models, 0, &offerModelCall { model_, to: Address::ZERO })
        };
        assert!(taken_back.is_success);
        world
            .send(mallory, models, 0, &acceptModelCall { model_ })
            .reverted(NotOffered { model: model_, account: mallory });
    }
    world
        .send(admin, models, 0, &reassignCall { model_, to: Address::ZERO })
        .reverted(NotOffered { model: model_, account: Address::ZERO });
}

fn governance_decides_what_validators_hold(world: &mut World) {
    let model_ = registered(world);
    let (models, admin, bob) = (world.models, world.admin.address, world.bob.address);
    let earliest = world.number() + NOTICE_BLOCKS;
    assert_eq!(world.ask(models, &NOTICE_BLOCKSCall {}), NOTICE_BLOCKS);
    let error = BlockTooEarly { got: earliest - 1, earliest };
    let call = requireModelCall { model_, fromBlock: earliest - 1 };
    world.send(admin, models, 0, &call).reverted(error);
    world
        .send(admin, models, 0, &releaseModelCall { model_, fromBlock: earliest })
        .reverted(NotRequired { model: model_ });
    let call = requireModelCall { model_, fromBlock: earliest };
    let event: ModelRequired = world.send(admin, models, 0, &call).event();
    assert_eq!((event.model, event.fromBlock), (model_, earliest));
    world.send(admin, models, 0, &call).reverted(IsRequired { model: model_ });
    let required = |world: &mut World, block| {
        let is_required = world.ask(models, &isRequiredCall { model_, blockNumber: block });
        let list = world.ask(models, &requiredModelsCall { blockNumber: block });
        assert_eq!(list, if is_required { vec![model_] } else { vec![] });
        is_required
    };
    assert!(!required(world, earliest - 1));
    assert!(required(world, earliest));
    assert!(required(world, u64::MAX - 1));
    for account in [bob, admin] {
        world
            .send(account, models, 0, &revokeCall { model_ })
            .reverted(IsRequired { model: model_ });
    }
    world.pass(NOTICE_BLOCKS + 5, 1);
    let (got, next) = (world.number(), world.number() + 1);
    world
        .send(admin, models, 0, &releaseModelCall { model_, fromBlock: got })
        .reverted(BlockTooEarly { got, earliest: next });
    let call = releaseModelCall { model_, fromBlock: next };
    let event: ModelReleased = world.send(admin, models, 0, &call).event();
    assert_eq!((event.model, event.fromBlock), (model_, next));
    world.send(admin, models, 0, &call).reverted(NotRequired { model: model_ });
    assert!(required(world, got));
    assert!(!required(world, next));
    world.send(bob, models, 0, &revokeCall { model_ }).reverted(IsRequired { model: model_ });
    world.pass(1, 1);
    assert!(world.send(bob, models, 0, &revokeCall { model_ }).is_success);
}

fn required_models_are_few_and_pruned(world: &mut World) {
    let (models, admin) = (world.models, world.admin.address);
    assert_eq!(world.ask(models, &MAX_REQUIREDCall {}), U256::from(64));
    assert_eq!(world.ask(models, &MAX_TEXT_BYTESCall {}), U256::from(512));
    let ids: Vec<_> =
        (0..65_u8).map(|byte| register(world, B256::repeat_byte(byte + 1), &listing())).collect();
    let from = world.number() + NOTICE_BLOCKS;
    let mut outcomes = Vec::new();
    for model_ in &ids {
        let call = requireModelCall { model_: *model_, fromBlock: from };
        outcomes.push(world.send(admin, models, 0, &call));
    }
    outcomes.pop().unwrap().reverted(TooManyRequired {});
    assert!(outcomes.iter().all(|outcome| outcome.is_success));
    let mut list = world.ask(models, &requiredModelsCall { blockNumber: from });
    list.sort_unstable();
    assert_eq!(list, ids[..64]);
    world.pass(NOTICE_BLOCKS, 1);
    let until = world.number() + 1;
    for model_ in ids[..40].iter().step_by(2) {
        let call = releaseModelCall { model_: *model_, fromBlock: until };
        assert!(world.send(admin, models, 0, &call).is_success);
    }
    let from = world.number() + NOTICE_BLOCKS + 1;
    let call = requireModelCall { model_: ids[64], fromBlock: from };
    world.send(admin, models, 0, &call).reverted(TooManyRequired {});
    world.pass(1, 1);
    assert!(world.send(admin, models, 0, &call).is_success);
    let mut list = world.ask(models, &requiredModelsCall { blockNumber: from });
    list.sort_unstable();
    let mut expected: Vec<_> = ids[..40].iter().skip(1).step_by(2).copied().collect();
    expected.extend(&ids[40..]);
    assert_eq!(list, expected);
    // A model that was released may be required again.
    let call = requireModelCall { model_: ids[0], fromBlock: from };
    assert!(world.send(admin, models, 0, &call).is_success);
    let list = world.ask(models, &requiredModelsCall { blockNumber: from });
    assert_eq!(list.iter().filter(|model| **model == ids[0]).count(), 1);
}

fn revoked_models_stay_revoked(world: &mut World) {
    let model_ = registered(world);
    let (models, admin, bob) = (world.models, world.admin.address, world.bob.address);
    assert!(world.send(bob, models, 0, &offerModelCall { model_, to: bob }).is_success);
    let event: ModelRevoked = world.send(admin, models, 0, &revokeCall { model_ }).event();
    assert_eq!((event.model, event.by), (model_, admin));
    every_user(world, bob, admin, model_, &IsRevoked { model: model_ });
    assert!(world.ask(models, &modelCall { model_ }).isRevoked);
    let call = registerCall { model_, listing: listing(), salt: SALT };
    world.send(bob, models, 0, &call).reverted(AlreadyRegistered { model: model_ });
}

fn governance_hands_over_in_two_steps(world: &mut World) {
    let (models, admin, carol) = (world.models, world.admin.address, world.carol.address);
    let mallory = world.mallory.address;
    assert_eq!(world.ask(models, &ownerCall {}), admin);
    let call = transferOwnershipCall { newOwner: carol };
    assert!(world.send(admin, models, 0, &call).is_success);
    assert_eq!(world.ask(models, &pendingOwnerCall {}), carol);
    world
        .send(mallory, models, 0, &acceptOwnershipCall {})
        .reverted(OwnableUnauthorizedAccount { account: mallory });
    assert!(world.send(carol, models, 0, &acceptOwnershipCall {}).is_success);
    assert_eq!(world.ask(models, &ownerCall {}), carol);
    world.send(admin, models, 0, &call).reverted(OwnableUnauthorizedAccount { account: admin });
    assert!(world.send(carol, models, 0, &renounceOwnershipCall {}).is_success);
    assert_eq!(world.ask(models, &ownerCall {}), Address::ZERO);
}

fn prices_are_rounded_up_to_whole_gas(world: &mut World) {
    let model_ = registered(world);
    let models = world.models;
    let cases = [(0, 0), (1, 1), (999, 1_024), (1_000, 1_025), (u64::MAX, u64::MAX)];
    let mut tariffs = vec![tariff()];
    tariffs.push(Tariff { weiPerGas: U96::ZERO, ..tariff() });
    tariffs.push(Tariff {
        alphaNumerator: u64::MAX,
        alphaDenominator: 1,
        betaNumerator: u64::MAX,
        betaDenominator: 1,
        gamma: u64::MAX,
        weiPerGas: U96::MAX,
    });
    for tariff in tariffs {
        let listing = Listing { tariff: tariff.clone(), ..listing() };
        let bob = world.bob.address;
        assert!(world.send(bob, models, 0, &updateCall { model_, listing }).is_success);
        for (flops, peak_bytes) in cases {
            let call = quoteCall { model_, flops, peakBytes: peak_bytes };
            assert_eq!(world.ask(models, &call), tariff.fee(flops, peak_bytes));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Against a model in Rust: who owns what, what is required when, and who may say so.
    #[test]
    fn the_registry_is_its_model(steps in prop::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        let mut reference = Reference::default();
        for step in steps {
            let expected = reference.apply(&step, &world);
            let outcome = perform(&mut world, &step);
            prop_assert_eq!(outcome.is_success, expected, "{:?}: {}", step, outcome.output);
            for model_ in (0..3).map(model) {
                let entry = world.ask(world.models, &modelCall { model_ });
                let known = reference.entries.get(&model_).cloned().unwrap_or_default();
                prop_assert_eq!(entry.owner, known.owner);
                prop_assert_eq!(entry.isRevoked, known.is_revoked);
                prop_assert_eq!(entry.listing.shareBps, known.share);
                let number = world.number();
                for block in [number, number + 1, number + NOTICE_BLOCKS] {
                    let is_required = known.from <= block && block < known.until;
                    let call = isRequiredCall { model_, blockNumber: block };
                    prop_assert_eq!(world.ask(world.models, &call), is_required);
                    let call = requiredModelsCall { blockNumber: block };
                    let list = world.ask(world.models, &call);
                    prop_assert_eq!(list.contains(&model_), is_required);
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Action {
    Accept,
    Commit,
    Offer(usize),
    Reassign(usize),
    Register,
    Release(u64),
    Require(u64),
    Revoke,
    Update(u16),
    Wait,
}

/// Somebody does something with a model.
#[derive(Clone, Debug)]
struct Step {
    who: usize,
    model: u8,
    action: Action,
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        2 => Just(Action::Accept),
        4 => Just(Action::Commit),
        2 => (0..3_usize).prop_map(Action::Offer),
        1 => (0..3_usize).prop_map(Action::Reassign),
        4 => Just(Action::Register),
        2 => (0..3_u64).prop_map(Action::Release),
        2 => (NOTICE_BLOCKS - 1..NOTICE_BLOCKS + 2).prop_map(Action::Require),
        1 => Just(Action::Revoke),
        2 => (0..10_002_u16).prop_map(Action::Update),
        4 => Just(Action::Wait),
    ];
    (0..3_usize, 0..3_u8, action).prop_map(|(who, model, action)| Step { who, model, action })
}

/// The last of them governs.
const fn who(world: &World, index: usize) -> Address {
    [world.bob.address, world.carol.address, world.admin.address][index]
}

const fn model(index: u8) -> B256 {
    B256::repeat_byte(index + 1)
}

fn perform(world: &mut World, step: &Step) -> Outcome {
    let (caller, model_, models) = (who(world, step.who), model(step.model), world.models);
    let number = world.number();
    let data = match step.action {
        Action::Accept => acceptModelCall { model_ }.abi_encode(),
        Action::Commit => commitCall { commitment: commitment(world, model_, caller) }.abi_encode(),
        Action::Offer(to) => offerModelCall { model_, to: who(world, to) }.abi_encode(),
        Action::Reassign(to) => reassignCall { model_, to: who(world, to) }.abi_encode(),
        Action::Register => registerCall { model_, listing: listing(), salt: SALT }.abi_encode(),
        Action::Release(blocks) => {
            releaseModelCall { model_, fromBlock: number + blocks }.abi_encode()
        }
        Action::Require(blocks) => {
            requireModelCall { model_, fromBlock: number + blocks }.abi_encode()
        }
        Action::Revoke => revokeCall { model_ }.abi_encode(),
        Action::Update(share) => {
            let listing = Listing { shareBps: share, ..listing() };
            updateCall { model_, listing }.abi_encode()
        }
        Action::Wait => {
            world.pass(3, 3);
            return world.try_ask(models, &ownerCall {});
        }
    };
    world.send_data(caller, models, 0, data, crate::world::GAS)
}

#[derive(Clone, Debug, Default)]
struct Entry {
    owner: Address,
    offered_to: Address,
    is_revoked: bool,
    share: u16,
    from: u64,
    until: u64,
}

/// What the registry should be.
#[derive(Debug, Default)]
struct Reference {
    commitments: Vec<(u8, usize, u64)>,
    entries: std::collections::BTreeMap<B256, Entry>,
}

impl Reference {
    fn apply(&mut self, step: &Step, world: &World) -> bool {
        let Step { who: by, model: index, ref action } = *step;
        let (caller, number, governs) = (who(world, by), world.number(), by == 2);
        let committed = self
            .commitments
            .iter()
            .find(|(model, who, _)| (*model, *who) == (index, by))
            .map(|(_, _, from)| *from);
        match action {
            Action::Wait => return true,
            Action::Commit => {
                let is_new = committed.is_none();
                if is_new {
                    self.commitments.push((index, by, number + 1));
                }
                return is_new;
            }
            Action::Register => {
                let is_free = !self.entries.contains_key(&model(index));
                let may = is_free && committed.is_some_and(|from| from <= number);
                if may {
                    let entry = Entry { owner: caller, share: SHARE_BPS, ..Entry::default() };
                    self.entries.insert(model(index), entry);
                }
                return may;
            }
            _ => {}
        }
        let Some(entry) = self.entries.get_mut(&model(index)) else { return false };
        let owns = entry.owner == caller && !entry.is_revoked;
        match *action {
            Action::Accept => {
                let may = entry.offered_to == caller && !entry.is_revoked;
                if may {
                    (entry.owner, entry.offered_to) = (caller, Address::ZERO);
                }
                may
            }
            Action::Offer(to) => {
                if owns {
                    entry.offered_to = who(world, to);
                }
                owns
            }
            Action::Reassign(to) => {
                let may = governs && !entry.is_revoked;
                if may {
                    (entry.owner, entry.offered_to) = (who(world, to), Address::ZERO);
                }
                may
            }
            Action::Release(blocks) => {
                let may = governs && entry.until == u64::MAX && blocks > 0;
                if may {
                    entry.until = number + blocks;
                }
                may
            }
            Action::Require(blocks) => {
                let may = governs
                    && !entry.is_revoked
                    && entry.until <= number
                    && blocks >= NOTICE_BLOCKS;
                if may {
                    (entry.from, entry.until) = (number + blocks, u64::MAX);
                }
                may
            }
            Action::Revoke => {
                let may = (owns || governs) && !entry.is_revoked && entry.until <= number;
                entry.is_revoked |= may;
                may
            }
            Action::Update(share) => {
                let may = owns && share <= 10_000;
                if may {
                    entry.share = share;
                }
                may
            }
            Action::Commit | Action::Register | Action::Wait => unreachable!(),
        }
    }
}

/// A model that Bob has registered.
pub(crate) fn registered(world: &mut World) -> B256 {
    register(world, keccak256("a model"), &listing())
}

/// A model that costs nothing.
pub(crate) fn free(world: &mut World) -> B256 {
    let tariff = Tariff { weiPerGas: U96::ZERO, ..tariff() };
    register(world, keccak256("a free model"), &Listing { tariff, ..listing() })
}

/// Bob registers a model.
fn register(world: &mut World, model_: B256, listing: &Listing) -> B256 {
    let (bob, models) = (world.bob.address, world.models);
    let commitment = commitment(world, model_, bob);
    assert!(world.send(bob, models, 0, &commitCall { commitment }).is_success);
    world.pass(1, 1);
    let call = registerCall { model_, listing: listing.clone(), salt: SALT };
    assert!(world.send(bob, models, 0, &call).is_success);
    model_
}

/// Bob names the token whose holders get the share of a model.
pub(crate) fn set_dat(world: &mut World, model_: B256, dat: U256) {
    change(world, model_, Listing { datId: dat, ..listing() });
}

/// Bob raises the price of a model.
pub(crate) fn raise(world: &mut World, model_: B256) {
    let tariff = Tariff { gamma: 1 << 40, ..tariff() };
    change(world, model_, Listing { tariff, shareBps: 10_000, ..listing() });
}

fn change(world: &mut World, model_: B256, listing: Listing) {
    let (bob, models) = (world.bob.address, world.models);
    assert!(world.send(bob, models, 0, &updateCall { model_, listing }).is_success);
}

pub(crate) fn revoke(world: &mut World, model_: B256) {
    let (bob, models) = (world.bob.address, world.models);
    assert!(world.send(bob, models, 0, &revokeCall { model_ }).is_success);
}

pub(crate) const fn unregistered(model: B256) -> Unregistered {
    Unregistered { model }
}

pub(crate) const fn revoked(model: B256) -> IsRevoked {
    IsRevoked { model }
}

pub(crate) fn commitment(world: &mut World, model_: B256, owner_: Address) -> B256 {
    let models = world.models;
    let commitment = world.ask(models, &commitmentOfCall { model_, owner_, salt: SALT });
    assert_eq!(commitment, keccak256((U256::ONE, models, model_, owner_, SALT).abi_encode()));
    commitment
}

pub(crate) fn tariff() -> Tariff {
    Tariff {
        alphaNumerator: 3,
        alphaDenominator: 1_000,
        betaNumerator: 1,
        betaDenominator: 1_024,
        gamma: 21_000,
        weiPerGas: U96::from(7),
    }
}

/// The price of a run by another way than the contract's.
pub(crate) trait Fee {
    fn fee(&self, flops: u64, peak_bytes: u64) -> U256;
}

impl Fee for Tariff {
    fn fee(&self, flops: u64, peak_bytes: u64) -> U256 {
        let part = |units: u64, numerator: u64, denominator: u64| {
            U256::from((u128::from(units) * u128::from(numerator)).div_ceil(denominator.into()))
        };
        let gas = part(flops, self.alphaNumerator, self.alphaDenominator)
            + part(peak_bytes, self.betaNumerator, self.betaDenominator)
            + U256::from(self.gamma);
        gas * U256::from(self.weiPerGas)
    }
}

pub(crate) fn listing() -> Listing {
    Listing {
        tariff: tariff(),
        shareBps: SHARE_BPS,
        datId: U256::ZERO,
        licence: "Apache-2.0".into(),
        source: "ipfs://model".into(),
    }
}

pub(crate) const SALT: B256 = B256::repeat_byte(0x5a);
