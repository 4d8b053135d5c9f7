//! What `LazJobs` does.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use lazai_api_types::{InferenceStatement, Job, ModelId, Output, Task, key_hash};
use lazai_consensus::Fact;
use lazai_precompiles::{
    abi::{ILazErrors, ILazProofVerifier},
    address::PROOF_VERIFIER,
};
use lazvm_contracts::jobs::LazJobs::*;

use crate::{
    models::{self, Fee as _, tariff},
    quorum::{Quorum, run},
    scenarios,
    seal::{SYSTEM, seal},
    token::{self, anchored},
    world::{ACCEPT, Account, Actor, BOMB, BURN, CALL, Calls, Outcome, REFUSE, World},
};

scenarios! {
    a_job_is_delivered_and_paid_exactly,
    what_differs_from_the_proved_statement_is_refused,
    a_proof_is_worth_nothing_to_who_copies_it,
    certificates_are_checked_by_a_contract_too,
    requesters_choose_what_counts,
    unknown_keys_are_named,
    only_the_quote_is_taken,
    terms_are_those_of_the_request,
    what_the_terms_do_not_allow_is_refused,
    requests_that_make_no_sense_are_refused,
    the_job_is_the_one_that_is_hashed,
    private_answers_are_delivered_as_hashes,
    jobs_expire,
    cancelled_jobs_are_still_delivered_for_a_while,
    a_chosen_worker_may_decline,
    requesters_are_called_back_with_exactly_their_gas,
    callbacks_change_nothing_but_their_own_state,
    too_little_gas_delivers_nothing,
    agents_are_paid_for,
    shares_of_models_reach_the_holders_of_their_token,
    withdrawals_happen_once,
    governance_and_owners_change_no_open_job,
    limits_are_told,
}

/// On a chain without AI precompiles the contract checks certificates, or delivery is refused.
fn without_precompiles(world: &mut World) {
    let setup = Setup::on(world);
    let mut request = setup.request(world);
    request.acceptances.push(setup.by_contract());
    let (id, terms) = setup.ask(world, &request);
    let delivery = setup.delivery(world, id);
    deliver(world, id, &terms, &delivery).reverted(CheckerMissing { checker: PRECOMPILE });
    let delivery = setup.delivery_by_contract(world, id, 1);
    assert!(deliver(world, id, &terms, &delivery).is_success);
}

/// Where no contract checks certificates, no job asks for it.
fn without_quorum_verifier(world: &mut World) {
    let setup = Setup::on(world);
    let request = Request { acceptances: vec![setup.by_contract()], ..setup.request(world) };
    refuse(world, &request, &CheckerMissing { checker: CONTRACT });
}

/// The calls of these two.
pub(crate) fn elsewhere() -> Calls {
    let mut world = World::without_precompiles(true);
    without_precompiles(&mut world);
    let mut other = World::without_precompiles(false);
    without_quorum_verifier(&mut other);
    world.seen.append(&mut other.seen);
    world.seen
}

#[test]
fn certificates_are_checked_where_they_can_be() {
    assert!(!elsewhere().is_empty());
}

fn limits_are_told(world: &mut World) {
    let jobs = world.jobs;
    assert_eq!(world.ask(jobs, &MAX_ACCEPTANCESCall {}), U256::from(8));
    assert_eq!(world.ask(jobs, &MAX_ANSWER_BYTESCall {}), 32_768);
    assert_eq!(world.ask(jobs, &MAX_CALLBACK_GASCall {}), 4_000_000);
    assert_eq!(world.ask(jobs, &MAX_WAITCall {}), 30 * DAY);
    assert_eq!(world.ask(jobs, &CANCEL_NOTICECall {}), NOTICE);
    assert_eq!(world.ask(jobs, &CALLBACK_OVERHEADCall {}), U256::from(10_000));
    assert_eq!(world.ask(jobs, &MODELSCall {}), world.models);
    assert_eq!(world.ask(jobs, &DATCall {}), world.dat);
    assert_eq!(world.ask(jobs, &QUORUM_VERIFIERCall {}), world.quorum_verifier);
    let (id, worker) = (B256::repeat_byte(1), world.carol.address);
    let context = keccak256(("lazvm/job-context/1", id, worker).abi_encode_params());
    assert_eq!(world.ask(jobs, &contextOfCall { id, worker }), context);
    let requester = world.alice.address;
    let name = ("lazvm/job-id/1", U256::ONE, jobs, requester, U256::from(5)).abi_encode_params();
    let call = idOfCall { requester, number: U256::from(5) };
    assert_eq!(world.ask(jobs, &call), keccak256(name));
}

fn a_job_is_delivered_and_paid_exactly(world: &mut World) {
    let setup = Setup::on(world);
    let request = setup.request(world);
    let jobs = world.jobs;
    let quoted = world.ask(jobs, &quoteCall { request_: request.clone() });
    assert_eq!(quoted, fee(MAX_FLOPS, MAX_PEAK_BYTES));
    let requester = world.alice.address;
    let before = world.balance(requester);
    let (id, terms) = setup.ask(world, &request);
    assert_eq!(id, world.ask(jobs, &idOfCall { requester, number: U256::ZERO }));
    assert_eq!(world.ask(jobs, &requestsOfCall { account: requester }), U256::ONE);
    assert_eq!(before - world.balance(requester), quoted);
    let job = world.ask(jobs, &jobCall { id });
    assert_eq!((job.status, job.escrow, job.requester), (OPEN, quoted, requester));
    assert_eq!((job.deadline, job.hash), (request.deadline, keccak256(terms.abi_encode())));

    let delivery = setup.delivery(world, id);
    let outcome = deliver(world, id, &terms, &delivery);
    let event: JobDelivered = outcome.event();
    let price = fee(FLOPS, PEAK_BYTES);
    let share = price * U256::from(SHARE_BPS) / U256::from(10_000);
    assert_eq!(event.id, id);
    assert_eq!(event.worker, world.carol.address);
    assert_eq!((event.output, &event.answer), (setup.output, &setup.answer));
    assert_eq!(event.modelWei, share);
    assert_eq!(event.workerWei, price - share);
    assert_eq!(event.refundWei, quoted - price);
    assert_eq!(event.agentWei, U256::ZERO);
    assert!(price > U256::ZERO && price < quoted && share > U256::ZERO);
    let job = world.ask(jobs, &jobCall { id });
    assert_eq!((job.status, job.escrow, job.hash), (DELIVERED, U256::ZERO, setup.output));

    let (alice, bob, carol) = (world.alice.address, world.bob.address, world.carol.address);
    for (account, owed) in [(carol, event.workerWei), (bob, share), (alice, event.refundWei)] {
        assert_eq!(world.ask(jobs, &owedToCall { account }), owed);
        let before = world.balance(account);
        let paid = world.send(account, jobs, 0, &withdrawCall { to: account });
        assert_eq!(paid.returned::<withdrawCall>(), owed);
        assert_eq!(world.balance(account) - before, owed);
        world
            .send(account, jobs, 0, &withdrawCall { to: account })
            .reverted(NothingOwed { account });
    }
    assert_eq!(world.balance(jobs), U256::ZERO);
    deliver(world, id, &terms, &delivery).reverted(NotOpen { id, status: DELIVERED });
}

fn what_differs_from_the_proved_statement_is_refused(world: &mut World) {
    let setup = Setup::on(world);
    let request = Request { maxAnswerBytes: 0, ..setup.request(world) };
    let (id, terms) = setup.ask(world, &request);
    let right = Delivery { answer: Bytes::new(), ..setup.delivery(world, id) };
    let mut wrong = vec![
        Delivery { output: B256::repeat_byte(9), ..right.clone() },
        Delivery { flops: FLOPS + 1, ..right.clone() },
        Delivery { flops: FLOPS - 1, ..right.clone() },
        Delivery { peakBytes: PEAK_BYTES - 1, ..right.clone() },
        Delivery { proof: Bytes::new(), ..right.clone() },
        Delivery { proof: [&right.proof[..], &[0]].concat().into(), ..right.clone() },
    ];
    for at in 0..right.proof.len() {
        let mut proof = right.proof.to_vec();
        proof[at] ^= 1;
        wrong.push(Delivery { proof: proof.into(), ..right.clone() });
    }
    for delivery in &wrong {
        deliver(world, id, &terms, delivery).reverted(InvalidProof {});
    }
    assert!(deliver(world, id, &terms, &right).is_success);
}

fn a_proof_is_worth_nothing_to_who_copies_it(world: &mut World) {
    let setup = Setup::on(world);
    let (id, terms) = setup.ask(world, &setup.request(world));
    let delivery = setup.delivery(world, id);
    let (mallory, jobs) = (world.mallory.address, world.jobs);
    let call = deliverCall { id, terms: terms.clone(), delivery: delivery.clone() };
    world.send(mallory, jobs, 0, &call).reverted(InvalidProof {});
    // Nor for another job with the same input.
    let (other, other_terms) = setup.ask(world, &setup.request(world));
    deliver(world, other, &other_terms, &delivery).reverted(InvalidProof {});
    assert!(deliver(world, id, &terms, &delivery).is_success);
}

fn certificates_are_checked_by_a_contract_too(world: &mut World) {
    let setup = Setup::on(world);
    let request = Request { acceptances: vec![setup.by_contract()], ..setup.request(world) };
    let (id, terms) = setup.ask(world, &request);
    let right = setup.delivery_by_contract(world, id, 0);
    for at in (0..right.proof.len()).step_by(7).chain([0, 39, 40]) {
        let mut proof = right.proof.to_vec();
        proof[at] ^= 1;
        let wrong = Delivery { proof: proof.into(), ..right.clone() };
        deliver(world, id, &terms, &wrong).reverted(InvalidProof {});
    }
    for length in [0, 39, 40, 41, right.proof.len() - 1] {
        let wrong = Delivery { proof: right.proof.slice(..length), ..right.clone() };
        deliver(world, id, &terms, &wrong).reverted(InvalidProof {});
    }
    let wrong = Delivery { flops: FLOPS - 1, ..right.clone() };
    deliver(world, id, &terms, &wrong).reverted(InvalidProof {});
    assert!(deliver(world, id, &terms, &right).is_success);
}

/// A proof of a system or under a key that the requester did not name is none, however true.
fn requesters_choose_what_counts(world: &mut World) {
    let setup = Setup::on(world);
    let alice = world.alice.address;
    let keys = [b"ours".as_slice(), b"theirs"];
    for key in keys {
        let verifying_key = Bytes::copy_from_slice(key);
        let register =
            ILazProofVerifier::registerCall { system: SYSTEM.0, verifyingKey: verifying_key };
        assert!(world.send(alice, PROOF_VERIFIER, 0, &register).is_success);
    }
    let sealed =
        Acceptance { checker: PRECOMPILE, system: SYSTEM.0, key: key_hash(SYSTEM, keys[0]) };
    let mut both = setup.request(world).acceptances;
    both.push(sealed.clone());
    for acceptances in [vec![sealed], both] {
        let is_alone = acceptances.len() == 1;
        let request = Request { acceptances, ..setup.request(world) };
        let (id, terms) = setup.ask(world, &request);
        let run = setup.run(id, world.carol.address, FLOPS, PEAK_BYTES);
        let certificate = setup.delivery(world, id);
        let last = terms.acceptances.len() as u32 - 1;
        let right =
            Delivery { acceptance: last, proof: seal(keys[0], &run), ..certificate.clone() };
        let other_key = Delivery { proof: seal(keys[1], &run), ..right.clone() };
        deliver(world, id, &terms, &other_key).reverted(InvalidProof {});
        let other_system = Delivery { acceptance: last, ..certificate.clone() };
        deliver(world, id, &terms, &other_system).reverted(InvalidProof {});
        if is_alone {
            assert!(deliver(world, id, &terms, &right).is_success);
        } else {
            // Either is enough.
            assert!(deliver(world, id, &terms, &certificate).is_success);
        }
    }
}

fn unknown_keys_are_named(world: &mut World) {
    let setup = Setup::on(world);
    let key = B256::repeat_byte(7);
    let acceptances = vec![
        Acceptance { checker: PRECOMPILE, system: 0, key },
        Acceptance { checker: PRECOMPILE, system: 99, key },
    ];
    let (id, terms) = setup.ask(world, &Request { acceptances, ..setup.request(world) });
    let delivery = setup.delivery(world, id);
    let error = ILazErrors::UnknownVerifyingKey { system: U256::ZERO, keyHash: key };
    deliver(world, id, &terms, &delivery).reverted(error);
    let error = ILazErrors::UnknownProofSystem { system: U256::from(99) };
    deliver(world, id, &terms, &Delivery { acceptance: 1, ..delivery }).reverted(error);
}

fn only_the_quote_is_taken(world: &mut World) {
    let setup = Setup::on(world);
    let (alice, jobs) = (world.alice.address, world.jobs);
    let plain = setup.request(world);
    let called = Request { callbackGas: 50_000, callbackGasPrice: uint(3), ..plain.clone() };
    for request in [plain, called] {
        let expected = world.ask(jobs, &quoteCall { request_: request.clone() });
        let price: u128 = expected.to();
        for value in [0, price - 1, price + 1] {
            let got = U256::from(value);
            world
                .send(alice, jobs, value, &requestCall { request_: request.clone() })
                .reverted(WrongValue { got, expected });
        }
        assert!(world.send(alice, jobs, price, &requestCall { request_: request }).is_success);
    }
    let overhead = U256::from(60_000 * 3);
    assert_eq!(world.balance(jobs), fee(MAX_FLOPS, MAX_PEAK_BYTES) * U256::from(2) + overhead);
}

fn terms_are_those_of_the_request(world: &mut World) {
    let setup = Setup::on(world);
    let (id, terms) = setup.ask(world, &setup.request(world));
    let delivery = setup.delivery(world, id);
    let mallory = world.mallory.address;
    let other = B256::repeat_byte(1);
    type Change = fn(&mut Terms, Address, B256);
    let changes: [Change; 18] = [
        |terms, other, _| terms.requester = other,
        |terms, _, other| terms.model = other,
        |terms, _, other| terms.input = other,
        |terms, _, _| terms.maxFlops += 1,
        |terms, _, _| terms.maxPeakBytes += 1,
        |terms, _, _| terms.maxAnswerBytes += 1,
        |terms, other, _| terms.worker = other,
        |terms, _, _| terms.agent = U256::ONE,
        |terms, _, _| terms.agentFee = 1,
        |terms, _, _| terms.callbackGas = 1,
        |terms, _, _| terms.callbackGasPrice = uint(1),
        |terms, _, _| terms.tariff.gamma += 1,
        |terms, _, _| terms.tariff.weiPerGas = uint(8),
        |terms, other, _| terms.modelOwner = other,
        |terms, _, _| terms.modelShareBps += 1,
        |terms, _, _| terms.modelDat = U256::ONE,
        |terms, _, other| terms.acceptances[0].key = other,
        |terms, _, _| terms.acceptances.clear(),
    ];
    for change in changes {
        let mut changed = terms.clone();
        change(&mut changed, mallory, other);
        assert_ne!(changed, terms);
        deliver(world, id, &changed, &delivery).reverted(WrongTerms { id });
        let (carol, jobs) = (world.carol.address, world.jobs);
        world.send(carol, jobs, 0, &declineCall { id, terms: changed }).reverted(WrongTerms { id });
    }
    assert!(deliver(world, id, &terms, &delivery).is_success);
}

fn what_the_terms_do_not_allow_is_refused(world: &mut World) {
    let setup = Setup::on(world);
    let request = Request { worker: world.carol.address, ..setup.request(world) };
    let (id, terms) = setup.ask(world, &request);
    let right = setup.delivery(world, id);
    for (flops, peak_bytes) in [(MAX_FLOPS + 1, PEAK_BYTES), (FLOPS, MAX_PEAK_BYTES + 1)] {
        let delivery = Delivery { flops, peakBytes: peak_bytes, ..right.clone() };
        deliver(world, id, &terms, &delivery)
            .reverted(WorkExceeded { flops, peakBytes: peak_bytes });
    }
    let answer = Bytes::from(vec![0; 65]);
    deliver(world, id, &terms, &Delivery { answer, ..right.clone() })
        .reverted(AnswerTooLong { got: uint(65), max: uint(64) });
    let answer = Bytes::from_static(b"another");
    let error = WrongAnswer { got: keccak256(&answer), expected: setup.output };
    deliver(world, id, &terms, &Delivery { answer, ..right.clone() }).reverted(error);
    deliver(world, id, &terms, &Delivery { acceptance: 1, ..right.clone() })
        .reverted(UnknownAcceptance { got: 1, count: uint(1) });
    let (mallory, jobs) = (world.mallory.address, world.jobs);
    let call = deliverCall { id, terms: terms.clone(), delivery: right.clone() };
    world.send(mallory, jobs, 0, &call).reverted(NotWorker { id, account: mallory });
    let nobody = B256::repeat_byte(0xee);
    deliver(world, nobody, &terms, &right).reverted(NotOpen { id: nobody, status: NONE });
    assert!(deliver(world, id, &terms, &right).is_success);
}

fn requests_that_make_no_sense_are_refused(world: &mut World) {
    let setup = Setup::on(world);
    let right = setup.request(world);
    let accepted = right.acceptances[0].clone();
    let invalid = [
        Request { acceptances: vec![], ..right.clone() },
        Request { acceptances: vec![accepted; 9], ..right.clone() },
        Request { maxAnswerBytes: 32_769, ..right.clone() },
        Request { callbackGas: 4_000_001, ..right.clone() },
        Request { deadline: world.time(), ..right.clone() },
        Request { deadline: world.time() + 30 * DAY + 1, ..right.clone() },
    ];
    for request in invalid {
        refuse(world, &request, &InvalidRequest {});
    }
    let unsuited = Acceptance { system: 1, ..setup.by_contract() };
    let request = Request { acceptances: vec![unsuited], ..right.clone() };
    refuse(world, &request, &CheckerUnsuited { checker: CONTRACT, system: 1 });
    let model = B256::repeat_byte(0x77);
    let request = Request { model, job: Bytes::new(), ..right.clone() };
    refuse(world, &request, &models::unregistered(model));
    models::revoke(world, setup.model);
    refuse(world, &right, &models::revoked(setup.model));
    assert_eq!(world.balance(world.jobs), U256::ZERO);
}

fn the_job_is_the_one_that_is_hashed(world: &mut World) {
    let setup = Setup::on(world);
    let right = setup.request(world);
    let other = job(B256::repeat_byte(0x78)).encode();
    for wrong in [&other[..], &right.job[..50], &right.job[1..], &[&right.job[..], &[0]].concat()] {
        let job = Bytes::copy_from_slice(wrong);
        refuse(world, &Request { job: job.clone(), ..right.clone() }, &WrongJob {});
        if wrong.len() == 50 || wrong == &other[..] || wrong[0] != 11 {
            // Not with its own hash either.
            let input = keccak256(&job);
            refuse(world, &Request { job, input, ..right.clone() }, &WrongJob {});
        }
    }
    let silent = Request { job: Bytes::new(), ..right };
    let (id, terms) = setup.ask(world, &silent);
    let delivery = setup.delivery(world, id);
    assert!(deliver(world, id, &terms, &delivery).is_success);
}

fn private_answers_are_delivered_as_hashes(world: &mut World) {
    let setup = Setup::on(world);
    let request = Request { maxAnswerBytes: 0, ..setup.request(world) };
    let (id, terms) = setup.ask(world, &request);
    let delivery = setup.delivery(world, id);
    let error = AnswerTooLong { got: U256::from(setup.answer.len()), max: U256::ZERO };
    deliver(world, id, &terms, &delivery).reverted(error);
    let delivery = Delivery { answer: Bytes::new(), ..delivery };
    let event: JobDelivered = deliver(world, id, &terms, &delivery).event();
    assert_eq!((event.output, event.answer), (setup.output, Bytes::new()));
}

fn jobs_expire(world: &mut World) {
    let setup = Setup::on(world);
    let (id, terms) = setup.ask(world, &setup.request(world));
    let delivery = setup.delivery(world, id);
    let (alice, mallory, jobs) = (world.alice.address, world.mallory.address, world.jobs);
    let escrow = world.balance(jobs);
    let deadline = world.ask(jobs, &jobCall { id }).deadline;
    world.pass(1, deadline - world.time());
    world.send(mallory, jobs, 0, &refundCall { id }).reverted(DeadlineNotPassed { id, deadline });
    world.pass(1, 1);
    deliver(world, id, &terms, &delivery).reverted(DeadlinePassed { id, deadline });
    let event: JobRefunded = world.send(mallory, jobs, 0, &refundCall { id }).event();
    assert_eq!((event.id, event.status, event.refundWei), (id, EXPIRED, escrow));
    assert_eq!(world.ask(jobs, &owedToCall { account: alice }), escrow);
    let closed = NotOpen { id, status: EXPIRED };
    world.send(alice, jobs, 0, &refundCall { id }).reverted(closed.clone());
    world.send(alice, jobs, 0, &cancelCall { id }).reverted(closed.clone());
    deliver(world, id, &terms, &delivery).reverted(closed.clone());
    world.send(alice, jobs, 0, &declineCall { id, terms }).reverted(closed);
}

fn cancelled_jobs_are_still_delivered_for_a_while(world: &mut World) {
    let setup = Setup::on(world);
    let (alice, mallory, jobs) = (world.alice.address, world.mallory.address, world.jobs);
    for is_delivered in [true, false] {
        let (id, terms) = setup.ask(world, &setup.request(world));
        let delivery = setup.delivery(world, id);
        world
            .send(mallory, jobs, 0, &cancelCall { id })
            .reverted(NotRequester { id, account: mallory });
        let event: JobCancelling = world.send(alice, jobs, 0, &cancelCall { id }).event();
        assert_eq!(event.deadline, world.time() + NOTICE);
        world.send(alice, jobs, 0, &cancelCall { id }).reverted(NotOpen { id, status: CANCELLING });
        world.pass(1, NOTICE);
        world
            .send(alice, jobs, 0, &refundCall { id })
            .reverted(DeadlineNotPassed { id, deadline: event.deadline });
        if is_delivered {
            assert!(deliver(world, id, &terms, &delivery).is_success);
            continue;
        }
        world.pass(1, 1);
        deliver(world, id, &terms, &delivery)
            .reverted(DeadlinePassed { id, deadline: event.deadline });
        let event: JobRefunded = world.send(alice, jobs, 0, &refundCall { id }).event();
        assert_eq!(event.status, CANCELLED);
    }
    // A deadline is never moved back.
    let deadline = world.time() + 5;
    let (id, _) = setup.ask(world, &Request { deadline, ..setup.request(world) });
    let event: JobCancelling = world.send(alice, jobs, 0, &cancelCall { id }).event();
    assert_eq!(event.deadline, deadline);
}

fn a_chosen_worker_may_decline(world: &mut World) {
    let setup = Setup::on(world);
    let (alice, carol, jobs) = (world.alice.address, world.carol.address, world.jobs);
    let (id, terms) = setup.ask(world, &Request { worker: carol, ..setup.request(world) });
    let escrow = world.balance(jobs);
    let call = declineCall { id, terms };
    world.send(alice, jobs, 0, &call).reverted(NotWorker { id, account: alice });
    let event: JobRefunded = world.send(carol, jobs, 0, &call).event();
    assert_eq!((event.status, event.refundWei), (CANCELLED, escrow));
    // A job for anybody is nobody's to decline.
    let (id, terms) = setup.ask(world, &setup.request(world));
    world
        .send(carol, jobs, 0, &declineCall { id, terms })
        .reverted(NotWorker { id, account: carol });
}

fn requesters_are_called_back_with_exactly_their_gas(world: &mut World) {
    let setup = Setup::on(world);
    let actor = world.actor();
    let (id, terms) = setup.ask_as(world, actor, &called(setup.request(world)));
    let delivery = setup.delivery(world, id);
    let outcome = deliver(world, id, &terms, &delivery);
    let event: JobCalledBack = outcome.event();
    assert_eq!((event.id, event.success), (id, true));
    let paid: JobDelivered = outcome.event();
    let price = fee(FLOPS, PEAK_BYTES);
    let callback = U256::from(CALLBACK_GAS + 10_000) * U256::from(CALLBACK_GAS_PRICE);
    assert_eq!(paid.workerWei + paid.modelWei, price + callback);
    let call = Actor::onJobDeliveredCall { _0: id, _1: setup.output, _2: setup.answer.clone() };
    assert_eq!(world.ask(actor, &Actor::senderSeenCall {}), world.jobs);
    assert_eq!(world.ask(actor, &Actor::dataSeenCall {}), keccak256(call.abi_encode()));
    assert_eq!(world.ask(actor, &Actor::callsCall {}), U256::ONE);
    assert_gas_seen(world, actor);
    // Each job calls back once.
    deliver(world, id, &terms, &delivery).reverted(NotOpen { id, status: DELIVERED });
    assert_eq!(world.ask(actor, &Actor::callsCall {}), U256::ONE);
}

/// Whatever a requester does when it is called, everybody gets the same.
fn callbacks_change_nothing_but_their_own_state(world: &mut World) {
    let setup = Setup::on(world);
    let jobs = world.jobs;
    let mut paid = Vec::new();
    for reaction in [ACCEPT, REFUSE, BURN, BOMB, CALL, CALL, CALL, CALL, CALL] {
        let actor = world.actor();
        let request = Request { worker: Address::ZERO, ..called(setup.request(world)) };
        let (id, terms) = setup.ask_as(world, actor, &request);
        let delivery = setup.delivery(world, id);
        let again = match paid.len() {
            4 => deliverCall { id, terms: terms.clone(), delivery: delivery.clone() }.abi_encode(),
            5 => withdrawCall { to: actor }.abi_encode(),
            6 => cancelCall { id }.abi_encode(),
            7 => refundCall { id }.abi_encode(),
            _ => forwardCall { dat: U256::ONE }.abi_encode(),
        };
        world.react(actor, reaction, jobs, again);
        let worker = world.carol.address;
        let accounts = [actor, worker, world.bob.address];
        let before = accounts.map(|account| world.ask(jobs, &owedToCall { account }));
        let wei = world.balance(jobs);
        let outcome = deliver(world, id, &terms, &delivery);
        let event: JobCalledBack = outcome.event();
        assert_eq!(event.success, reaction == ACCEPT || reaction == CALL);
        assert_eq!(world.balance(jobs), wei, "nothing was paid out");
        let after = accounts.map(|account| world.ask(jobs, &owedToCall { account }));
        paid.push([0, 1, 2].map(|index| after[index] - before[index]));
        assert_eq!(paid[paid.len() - 1], paid[0]);
        if reaction == CALL {
            assert_eq!(world.ask(actor, &Actor::callsCall {}), U256::ONE);
            assert_eq!(world.ask(actor, &Actor::successesCall {}), U256::ZERO);
        }
        assert_eq!(world.ask(jobs, &jobCall { id }).status, DELIVERED);
    }
    // What is harmless goes: a job can ask for the next one.
    let actor = world.actor();
    let (id, terms) = setup.ask_as(world, actor, &called(setup.request(world)));
    let delivery = setup.delivery(world, id);
    let free = models::free(world);
    let next = Request { model: free, job: Bytes::new(), ..setup.request(world) };
    world.react(actor, CALL, jobs, requestCall { request_: next }.abi_encode());
    assert!(deliver(world, id, &terms, &delivery).is_success);
    assert_eq!(world.ask(actor, &Actor::successesCall {}), U256::ONE);
}

/// A worker that sends too little gas can neither spoil the callback nor keep the pay.
fn too_little_gas_delivers_nothing(world: &mut World) {
    let setup = Setup::on(world);
    let actor = world.actor();
    let jobs = world.jobs;
    let mut request = called(setup.request(world));
    request.acceptances.push(setup.by_contract());
    for acceptance in [0, 1] {
        let (id, terms) = setup.ask_as(world, actor, &request);
        let delivery = match acceptance {
            0 => setup.delivery(world, id),
            _ => setup.delivery_by_contract(world, id, 1),
        };
        let data = deliverCall { id, terms, delivery }.abi_encode();
        let carol = world.carol.address;
        let calls = world.ask(actor, &Actor::callsCall {});
        let wei = world.ask(jobs, &owedToCall { account: carol });
        let mut gas = 100_000;
        let mut refusals = 0;
        loop {
            let outcome = world.send_data(carol, jobs, 0, data.clone(), gas);
            if outcome.is_success {
                break;
            }
            refusals += 1;
            assert_eq!(world.ask(jobs, &jobCall { id }).status, OPEN);
            assert_eq!(world.ask(jobs, &owedToCall { account: carol }), wei);
            assert_eq!(world.ask(actor, &Actor::callsCall {}), calls);
            // Finely where it becomes enough.
            gas += if gas < u64::from(CALLBACK_GAS) { 13_007 } else { 997 };
        }
        assert!(refusals > 50);
        assert_eq!(world.ask(actor, &Actor::callsCall {}), calls + U256::ONE);
        assert_gas_seen(world, actor);
    }
}

fn agents_are_paid_for(world: &mut World) {
    let setup = Setup::on(world);
    let (alice, jobs, dat) = (world.alice.address, world.jobs, world.dat);
    let agent = token::agent(world, setup.model, 5_000);
    let request = Request { agent, ..setup.request(world) };
    let quoted = world.ask(jobs, &quoteCall { request_: request.clone() });
    assert_eq!(quoted, fee(MAX_FLOPS, MAX_PEAK_BYTES) + U256::from(5_000));
    let (id, terms) = setup.ask(world, &request);
    // What the issuer changes concerns later jobs.
    token::set_fee(world, agent, 6_000);
    let delivery = setup.delivery(world, id);
    let event: JobDelivered = deliver(world, id, &terms, &delivery).event();
    assert_eq!(event.agentWei, U256::from(5_000));
    assert_eq!(world.ask(jobs, &owedToDatCall { dat: agent }), event.agentWei);
    let before = world.balance(dat);
    let forwarded: Forwarded = world.send(alice, jobs, 0, &forwardCall { dat: agent }).event();
    assert_eq!(forwarded.amount, event.agentWei);
    assert_eq!(world.balance(dat) - before, event.agentWei);
    world.send(alice, jobs, 0, &forwardCall { dat: agent }).reverted(NothingOwed { account: dat });

    let other = token::agent(world, B256::repeat_byte(0x79), 1);
    let error = OtherModel { got: setup.model, expected: B256::repeat_byte(0x79) };
    refuse(world, &Request { agent: other, ..setup.request(world) }, &error);
    let data_set = anchored(world);
    refuse(
        world,
        &Request { agent: data_set, ..setup.request(world) },
        &token::not_agent(data_set),
    );
    let nothing = U256::from(999);
    refuse(world, &Request { agent: nothing, ..setup.request(world) }, &token::unknown(nothing));
    let brief = token::brief_agent(world, setup.model);
    world.pass(1, 100);
    refuse(world, &Request { agent: brief, ..setup.request(world) }, &token::expired(brief));
}

fn shares_of_models_reach_the_holders_of_their_token(world: &mut World) {
    let setup = Setup::on(world);
    let (jobs, alice) = (world.jobs, world.alice.address);
    let data_set = anchored(world);
    for (named, reached) in [(data_set, true), (U256::from(1_000), false)] {
        models::set_dat(world, setup.model, named);
        let (id, terms) = setup.ask(world, &setup.request(world));
        assert_eq!(terms.modelDat, if reached { data_set } else { U256::ZERO });
        let delivery = setup.delivery(world, id);
        let bob = world.bob.address;
        let before = world.ask(jobs, &owedToCall { account: bob });
        let event: JobDelivered = deliver(world, id, &terms, &delivery).event();
        let owner = world.ask(jobs, &owedToCall { account: bob }) - before;
        if reached {
            assert_eq!(owner, U256::ZERO);
            let forwarded = world.send(alice, jobs, 0, &forwardCall { dat: data_set });
            assert_eq!(forwarded.returned::<forwardCall>(), event.modelWei);
        } else {
            assert_eq!(owner, event.modelWei);
        }
    }
}

fn withdrawals_happen_once(world: &mut World) {
    let setup = Setup::on(world);
    let jobs = world.jobs;
    let actor = world.actor();
    let (id, _) = setup.ask_as(world, actor, &setup.request(world));
    let escrow = world.balance(jobs);
    world.pass(1, DAY);
    assert!(world.send(Account::new("anyone").address, jobs, 0, &refundCall { id }).is_success);
    let withdraw = withdrawCall { to: actor };
    // A receiver that calls again gets nothing more, one that refuses keeps its claim.
    world.react(actor, REFUSE, jobs, vec![]);
    world.act(actor, jobs, 0, &withdraw).reverted(PaymentFailed { to: actor });
    assert_eq!(world.ask(jobs, &owedToCall { account: actor }), escrow);
    world.react(actor, CALL, jobs, withdraw.abi_encode());
    let before = world.balance(actor);
    let event: Withdrawn = world.act(actor, jobs, 0, &withdraw).event();
    assert_eq!((event.account, event.to, event.amount), (actor, actor, escrow));
    assert_eq!(world.balance(actor) - before, escrow);
    assert_eq!(world.ask(actor, &Actor::successesCall {}), U256::ZERO);
    let mallory = world.mallory.address;
    world
        .send(mallory, jobs, 0, &withdrawCall { to: mallory })
        .reverted(NothingOwed { account: mallory });
}

fn governance_and_owners_change_no_open_job(world: &mut World) {
    let setup = Setup::on(world);
    let (id, terms) = setup.ask(world, &setup.request(world));
    let delivery = setup.delivery(world, id);
    models::set_dat(world, setup.model, U256::ZERO);
    models::raise(world, setup.model);
    let price = fee(MAX_FLOPS, MAX_PEAK_BYTES);
    let quoted = world.ask(world.jobs, &quoteCall { request_: setup.request(world) });
    assert!(quoted > price);
    models::revoke(world, setup.model);
    let event: JobDelivered = deliver(world, id, &terms, &delivery).event();
    assert_eq!(event.workerWei + event.modelWei, fee(FLOPS, PEAK_BYTES));
    assert_eq!(event.refundWei, price - fee(FLOPS, PEAK_BYTES));
}

/// A quorum that certifies runs of a model that Bob has registered.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) quorum: Quorum,
    pub(crate) model: B256,
    job: Bytes,
    answer: Bytes,
    output: B256,
}

impl Setup {
    pub(crate) fn on(world: &mut World) -> Self {
        models::registered(world);
        Self::again(world)
    }

    /// Where the model is registered already.
    pub(crate) fn again(world: &mut World) -> Self {
        let quorum = Quorum::new();
        let key = quorum.key().into();
        let register = ILazProofVerifier::registerCall { system: 0, verifyingKey: key };
        let alice = world.alice.address;
        assert!(world.send(alice, PROOF_VERIFIER, 0, &register).is_success);
        let model = keccak256("a model");
        let output = Output::Text("forty-two".into());
        Self {
            quorum,
            model,
            job: job(model).encode().into(),
            answer: output.encode().into(),
            output: output.hash(),
        }
    }

    pub(crate) fn request(&self, world: &World) -> Request {
        let key = self.quorum.key_hash();
        Request {
            model: self.model,
            input: keccak256(&self.job),
            job: self.job.clone(),
            maxFlops: MAX_FLOPS,
            maxPeakBytes: MAX_PEAK_BYTES,
            maxAnswerBytes: 64,
            worker: Address::ZERO,
            agent: U256::ZERO,
            deadline: world.time() + 3_600,
            callbackGas: 0,
            callbackGasPrice: uint(0),
            acceptances: vec![Acceptance { checker: PRECOMPILE, system: 0, key }],
        }
    }

    pub(crate) const fn by_contract(&self) -> Acceptance {
        Acceptance { checker: CONTRACT, system: 0, key: self.quorum.root() }
    }

    /// The terms of a request of Alice's for Bob's model, as a worker without logs makes them.
    pub(crate) fn terms(&self, world: &World, request: &Request) -> Terms {
        Terms {
            requester: world.alice.address,
            model: request.model,
            input: request.input,
            maxFlops: request.maxFlops,
            maxPeakBytes: request.maxPeakBytes,
            maxAnswerBytes: request.maxAnswerBytes,
            worker: request.worker,
            agent: request.agent,
            agentFee: if request.agent.is_zero() { 0 } else { 5 },
            callbackGas: request.callbackGas,
            callbackGasPrice: request.callbackGasPrice,
            tariff: Tariff::abi_decode(&tariff().abi_encode()).unwrap(),
            modelOwner: world.bob.address,
            modelShareBps: SHARE_BPS,
            modelDat: U256::ZERO,
            acceptances: request.acceptances.clone(),
        }
    }

    /// Alice asks for a job.
    #[track_caller]
    pub(crate) fn ask(&self, world: &mut World, request: &Request) -> (B256, Terms) {
        let (alice, jobs) = (world.alice.address, world.jobs);
        let request_ = request.clone();
        let price = world.ask(jobs, &quoteCall { request_: request_.clone() });
        let outcome = world.send(alice, jobs, price.to(), &requestCall { request_ });
        let event: JobRequested = outcome.event();
        assert_eq!(outcome.returned::<requestCall>(), event.id);
        (event.id, event.terms)
    }

    /// An actor asks for a job.
    #[track_caller]
    fn ask_as(&self, world: &mut World, actor: Address, request: &Request) -> (B256, Terms) {
        let jobs = world.jobs;
        let request_ = request.clone();
        let price = world.ask(jobs, &quoteCall { request_: request_.clone() });
        let outcome = world.act(actor, jobs, price.to(), &requestCall { request_ });
        let event: JobRequested = outcome.event();
        (event.id, event.terms)
    }

    fn run(&self, id: B256, worker: Address, flops: u64, peak_bytes: u64) -> InferenceStatement {
        let context = keccak256(("lazvm/job-context/1", id, worker).abi_encode_params());
        run(self.model, keccak256(&self.job), self.output, flops, peak_bytes, context)
    }

    /// What a worker delivers.
    pub(crate) fn delivery_of(
        &self,
        id: B256,
        worker: Address,
        flops: u64,
        peak_bytes: u64,
    ) -> Delivery {
        let run = self.run(id, worker, flops, peak_bytes);
        Delivery {
            acceptance: 0,
            output: self.output,
            answer: self.answer.clone(),
            flops,
            peakBytes: peak_bytes,
            proof: self.quorum.prove(Fact::Workflow { run }),
        }
    }

    /// What Carol delivers.
    pub(crate) fn delivery(&self, world: &World, id: B256) -> Delivery {
        self.delivery_of(id, world.carol.address, FLOPS, PEAK_BYTES)
    }

    pub(crate) fn delivery_by_contract(
        &self,
        world: &World,
        id: B256,
        acceptance: u32,
    ) -> Delivery {
        let run = self.run(id, world.carol.address, FLOPS, PEAK_BYTES);
        let proof = self.quorum.certify_run(run);
        Delivery { acceptance, proof, ..self.delivery(world, id) }
    }
}

pub(crate) fn deliver(world: &mut World, id: B256, terms: &Terms, delivery: &Delivery) -> Outcome {
    let (carol, jobs) = (world.carol.address, world.jobs);
    let (terms, delivery) = (terms.clone(), delivery.clone());
    world.send(carol, jobs, 0, &deliverCall { id, terms, delivery })
}

/// Neither quoted nor taken.
#[track_caller]
fn refuse<E>(world: &mut World, request: &Request, error: &E)
where
    E: alloy_sol_types::SolError + Clone + PartialEq + core::fmt::Debug,
{
    let (alice, jobs) = (world.alice.address, world.jobs);
    let request_ = request.clone();
    world.try_ask(jobs, &quoteCall { request_: request_.clone() }).reverted(error.clone());
    world.send(alice, jobs, 0, &requestCall { request_ }).reverted(error.clone());
}

/// The actor measures what is left after a dispatch and what a call costs to begin with.
#[track_caller]
fn assert_gas_seen(world: &mut World, actor: Address) {
    let seen: u64 = world.ask(actor, &Actor::gasSeenCall {}).to();
    let gas = u64::from(CALLBACK_GAS);
    assert!(seen <= gas && seen + 1_000 > gas, "{seen} of {gas}");
}

pub(crate) fn called(request: Request) -> Request {
    Request { callbackGas: CALLBACK_GAS, callbackGasPrice: uint(CALLBACK_GAS_PRICE), ..request }
}

fn job(model: B256) -> Job {
    Job { model: ModelId(model), task: Task::Count { text: "what is six times seven?".into() } }
}

pub(crate) fn fee(flops: u64, peak_bytes: u64) -> U256 {
    tariff().fee(flops, peak_bytes)
}

fn uint<T: TryFrom<u64>>(value: u64) -> T {
    T::try_from(value).ok().unwrap()
}

/// Who looks at a proof.
const PRECOMPILE: u8 = 0;
const CONTRACT: u8 = 1;

const NONE: u8 = 0;
const OPEN: u8 = 1;
const CANCELLING: u8 = 2;
const DELIVERED: u8 = 3;
const CANCELLED: u8 = 4;
const EXPIRED: u8 = 5;

pub(crate) const MAX_FLOPS: u64 = 1_000_003;
pub(crate) const MAX_PEAK_BYTES: u64 = 70_001;
pub(crate) const FLOPS: u64 = 777_777;
pub(crate) const PEAK_BYTES: u64 = 65_432;
pub(crate) const SHARE_BPS: u16 = 1_234;
/// Of which a 63rd is more than the contract keeps for itself.
const CALLBACK_GAS: u32 = 2_000_000;
const CALLBACK_GAS_PRICE: u64 = 3;
const DAY: u64 = 86_400;
const NOTICE: u64 = 600;
