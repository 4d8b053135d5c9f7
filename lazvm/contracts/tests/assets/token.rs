//! What `DataAnchoringToken` does.

use alloy_primitives::{Address, B256, Bytes, FixedBytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use lazai_consensus::{Epoch, Fact};
use lazai_precompiles::{
    abi::{ILazErrors, ILazProofVerifier},
    address::PROOF_VERIFIER,
};
use lazvm_contracts::token::DataAnchoringToken::*;

use crate::{
    quorum::{Quorum, run},
    scenarios,
    world::{ACCEPT, Account, Actor, BOMB, BURN, CALL, Calls, Outcome, REFUSE, World, typed_hash},
};

scenarios! {
    clients_of_the_deployed_token_are_served,
    batches_go_on_where_the_counter_stands,
    assets_are_anchored_with_all_that_is_said_of_them,
    anchors_that_make_no_sense_are_refused,
    parents_exist_and_get_what_they_ask_for,
    issuers_alone_decide,
    uses_are_burned_by_authorized_nodes_with_a_signature,
    contracts_sign_uses_too,
    a_token_works_where_genesis_puts_it,
    a_signature_is_for_one_use_of_one_chain_contract_and_node,
    quotas_move_as_their_asset_allows,
    values_move_as_their_asset_allows,
    expired_assets_are_not_used,
    revenue_is_split_among_parents_holders_and_issuer,
    revenue_without_holders_is_the_issuers,
    holders_are_paid_for_the_time_that_they_held,
    withdrawals_happen_once,
    hooks_change_nothing,
    results_are_proved,
    data_sets_are_proved,
    proofs_are_checked_by_what_is_there,
    keys_are_sealed,
    markets_read_royalties,
    roles_are_granted_by_the_admin,
    large_amounts_are_refused,
}

fn clients_of_the_deployed_token_are_served(world: &mut World) {
    let (admin, alice, dat) = (world.admin.address, world.alice.address, world.dat);
    assert_eq!(world.ask(dat, &currentTokenIdCall {}), U256::ZERO);
    let call = mintCall {
        to: alice,
        amount: U256::from(77),
        fileUrl_: "ipfs://file".into(),
        verified_: true,
    };
    let outcome = world.send(admin, dat, 0, &call);
    let event: TokenMinted = outcome.event();
    let id = U256::ONE;
    assert_eq!((event.to, event.tokenId, event.fileUrl.as_str()), (alice, id, "ipfs://file"));
    let event: TransferSingle = outcome.event();
    assert_eq!((event.from, event.to, event.value), (Address::ZERO, alice, U256::from(77)));
    assert_eq!(world.ask(dat, &currentTokenIdCall {}), id);
    assert_eq!(world.ask(dat, &balanceOfCall { account: alice, id }), U256::from(77));
    assert_eq!(world.ask(dat, &fileUrlCall { id }), "ipfs://file");
    assert_eq!(world.ask(dat, &uriCall(id)), "https://lazai.com/token/{id}.json");
    assert!(world.ask(dat, &verifiedCall { id }));
    let call = setTokenVerifiedCall { id, verified_: false };
    let event: VerifiedSet = world.send(admin, dat, 0, &call).event();
    assert_eq!((event.id, event.isVerified), (id, false));
    assert!(!world.ask(dat, &verifiedCall { id }));
    let call = setURICall { collectionUri: "https://example.org/{id}".into() };
    assert!(world.send(admin, dat, 0, &call).is_success);
    assert_eq!(world.ask(dat, &uriCall(id)), "https://example.org/{id}");

    let described = world.ask(dat, &describeCall { id, account: alice });
    let anchor = described.asset_.anchor;
    assert_eq!(described.asset_.issuer, alice, "the contributor");
    assert_eq!((anchor.class, anchor.holderBps, anchor.isTransferable), (DATA_SET, 10_000, true));
    // The contributor names its data set, once.
    let commitment = B256::repeat_byte(3);
    let none = setCommitmentCall { id, commitment: B256::ZERO };
    world.send(alice, dat, 0, &none).reverted(InvalidAnchor {});
    let call = setCommitmentCall { id, commitment };
    let event: CommitmentSet = world.send(alice, dat, 0, &call).event();
    assert_eq!((event.id, event.commitment), (id, commitment));
    world.send(alice, dat, 0, &call).reverted(AlreadyCommitted { id });

    // What the ids stand for: ERC-165, 1155, its metadata, 2981, access control.
    for interface in [0x01ff_c9a7_u32, 0xd9b6_7a26, 0x0e89_341c, 0x2a55_205a, 0x7965_db0b] {
        let id = FixedBytes::from(interface.to_be_bytes());
        assert!(world.ask(dat, &supportsInterfaceCall { interfaceId: id }), "{interface:x}");
    }
    let id = FixedBytes::from([0xff; 4]);
    assert!(!world.ask(dat, &supportsInterfaceCall { interfaceId: id }));
    let unknown_ = U256::from(2);
    for outcome in [
        world.try_ask(dat, &fileUrlCall { id: unknown_ }),
        world.try_ask(dat, &verifiedCall { id: unknown_ }),
        world.send(admin, dat, 0, &setTokenVerifiedCall { id: unknown_, verified_: true }),
    ] {
        outcome.reverted(unknown(unknown_));
    }
    let minter = keccak256("MINTER_ROLE");
    assert_eq!(world.ask(dat, &MINTER_ROLECall {}), minter);
    let error = AccessControlUnauthorizedAccount { account: alice, neededRole: minter };
    let one = U256::ONE;
    for outcome in [
        world.send(
            alice,
            dat,
            0,
            &mintCall { to: alice, amount: one, fileUrl_: String::new(), verified_: true },
        ),
        world.send(alice, dat, 0, &setTokenVerifiedCall { id: one, verified_: true }),
        world.send(alice, dat, 0, &setURICall { collectionUri: String::new() }),
        world.send(
            alice,
            dat,
            0,
            &batchMintCall { to: alice, ids: vec![], amounts: vec![], fileUrls: vec![] },
        ),
    ] {
        outcome.reverted(error.clone());
    }
    let to_nobody =
        mintCall { to: Address::ZERO, amount: one, fileUrl_: String::new(), verified_: true };
    world
        .send(admin, dat, 0, &to_nobody)
        .reverted(ERC1155InvalidReceiver { receiver: Address::ZERO });
}

fn batches_go_on_where_the_counter_stands(world: &mut World) {
    let (admin, alice, dat) = (world.admin.address, world.alice.address, world.dat);
    let batch = |ids: &[u64], amounts: &[u64], urls: usize| batchMintCall {
        to: alice,
        ids: ids.iter().map(|id| U256::from(*id)).collect(),
        amounts: amounts.iter().map(|amount| U256::from(*amount)).collect(),
        fileUrls: (0..urls).map(|index| format!("ipfs://{index}")).collect(),
    };
    assert!(world.send(admin, dat, 0, &batch(&[1, 2, 3], &[10, 20, 30], 3)).is_success);
    assert_eq!(world.ask(dat, &currentTokenIdCall {}), U256::from(3));
    assert_eq!(world.ask(dat, &fileUrlCall { id: U256::from(2) }), "ipfs://1");
    let accounts = vec![alice; 3];
    let ids = (1..4).map(U256::from).collect();
    let balances = world.ask(dat, &balanceOfBatchCall { accounts, ids });
    assert_eq!(balances, [10, 20, 30].map(U256::from));
    for (ids, expected) in [(&[3_u64, 4], 4_u64), (&[5, 6], 4), (&[4, 4], 5), (&[0, 1], 4)] {
        let got = if ids[0] == 4 { ids[1] } else { ids[0] };
        world
            .send(admin, dat, 0, &batch(ids, &[1, 1], 2))
            .reverted(UnexpectedId { got: U256::from(got), expected: U256::from(expected) });
    }
    for call in [batch(&[4, 5], &[1], 2), batch(&[4, 5], &[1, 1], 1)] {
        world.send(admin, dat, 0, &call).reverted(LengthMismatch {});
    }
    let call = balanceOfBatchCall { accounts: vec![alice], ids: vec![] };
    world
        .try_ask(dat, &call)
        .reverted(ERC1155InvalidArrayLength { idsLength: U256::ZERO, valuesLength: U256::ONE });
}

fn assets_are_anchored_with_all_that_is_said_of_them(world: &mut World) {
    let (bob, alice, dat) = (world.bob.address, world.alice.address, world.dat);
    let parent = anchored(world);
    let anchor_ = Anchor {
        class: RESULT,
        isTransferable: false,
        expiresAt: world.time() + 50,
        holderBps: 2_500,
        derivedBps: 300,
        royaltyBps: 250,
        feeWei: 0,
        commitment: B256::repeat_byte(1),
        model: B256::repeat_byte(2),
        input: B256::repeat_byte(3),
        fileUrl: "ipfs://sealed".into(),
        parents: vec![Parent { id: parent, bps: 1_000 }],
    };
    let call = anchorCall { to: alice, value: U256::from(9), quota: 4, anchor_: anchor_.clone() };
    let outcome = world.send(bob, dat, 0, &call);
    let event: Anchored = outcome.event();
    let id = outcome.returned::<anchorCall>();
    assert_eq!((event.id, event.issuer, &event.anchor), (id, bob, &anchor_));
    let event: QuotaMoved = outcome.event();
    assert_eq!((event.from, event.to, event.calls), (Address::ZERO, alice, 4));
    let event: TokenMinted = outcome.event();
    assert_eq!((event.to, event.tokenId), (alice, id));
    let described = world.ask(dat, &describeCall { id, account: alice });
    let Asset { issuer, isVerified, totalValue, uses, anchor, evidence } = described.asset_;
    assert_eq!((issuer, isVerified, totalValue, uses), (bob, false, U256::from(9), 0));
    assert_eq!(anchor, anchor_);
    assert_eq!(evidence.at, 0);
    let rights = described.rights;
    assert_eq!((rights.value, rights.quota), (U256::from(9), 4));
    assert!(rights.canUse && !rights.canTransfer);
    assert_eq!(world.ask(dat, &totalSupplyCall { id }), U256::from(9));
    assert_eq!(world.ask(dat, &quotaOfCall { id, account: alice }), 4);
    let nobody = world.ask(dat, &describeCall { id, account: bob }).rights;
    assert!(!nobody.canUse && nobody.value.is_zero());
    world
        .try_ask(dat, &describeCall { id: id + U256::ONE, account: bob })
        .reverted(unknown(id + U256::ONE));
    let call = anchorCall { to: Address::ZERO, value: U256::ONE, quota: 0, anchor_ };
    world.send(bob, dat, 0, &call).reverted(ERC1155InvalidReceiver { receiver: Address::ZERO });
}

fn anchors_that_make_no_sense_are_refused(world: &mut World) {
    let right = data_set();
    let hash = B256::repeat_byte(1);
    let agent = Anchor { class: AGENT, model: hash, ..right.clone() };
    let result = Anchor { class: RESULT, model: hash, input: hash, ..right.clone() };
    for good in [&right, &agent, &result, &Anchor { class: MODEL, ..right.clone() }] {
        assert!(try_anchor(world, good).is_success);
    }
    let wrong = [
        Anchor { class: 0, ..right.clone() },
        Anchor { commitment: B256::ZERO, ..right.clone() },
        Anchor { model: hash, ..right.clone() },
        Anchor { class: MODEL, model: hash, ..right.clone() },
        Anchor { input: hash, ..right.clone() },
        Anchor { feeWei: 1, ..right.clone() },
        Anchor { holderBps: 10_001, ..right.clone() },
        Anchor { derivedBps: 10_001, ..right.clone() },
        Anchor { royaltyBps: 10_001, ..right.clone() },
        Anchor { expiresAt: world.time(), ..right.clone() },
        Anchor { model: B256::ZERO, ..agent.clone() },
        Anchor { input: hash, ..agent },
        Anchor { model: B256::ZERO, ..result.clone() },
        Anchor { input: B256::ZERO, ..result.clone() },
        Anchor { feeWei: 1, ..result },
    ];
    for anchor_ in wrong {
        try_anchor(world, &anchor_).reverted(InvalidAnchor {});
    }
}

fn parents_exist_and_get_what_they_ask_for(world: &mut World) {
    let dear = anchor(world, &Anchor { derivedBps: 400, ..data_set() });
    let ids: Vec<_> = (0..9).map(|_| anchored(world)).collect();
    let of = |parents: &[(U256, u16)]| Anchor {
        parents: parents.iter().map(|(id, bps)| Parent { id: *id, bps: *bps }).collect(),
        ..data_set()
    };
    let many: Vec<_> = ids.iter().map(|id| (*id, 1)).collect();
    assert!(try_anchor(world, &of(&many[..8])).is_success);
    assert!(try_anchor(world, &of(&[(dear, 400), (ids[0], 9_600)])).is_success);
    for wrong in [
        &many[..],
        &[(dear, 399)],
        &[(dear, 400), (ids[0], 9_601)],
        &[(ids[1], 1), (ids[0], 1)],
        &[(ids[0], 1), (ids[0], 1)],
        &[(U256::ZERO, 1)],
    ] {
        try_anchor(world, &of(wrong)).reverted(InvalidParents {});
    }
    // Nor itself.
    let next = world.ask(world.dat, &currentTokenIdCall {}) + U256::ONE;
    try_anchor(world, &of(&[(next, 1)])).reverted(unknown(next));
}

fn issuers_alone_decide(world: &mut World) {
    let id = anchored(world);
    let (dat, admin, mallory) = (world.dat, world.admin.address, world.mallory.address);
    let holder = world.alice.address;
    let missing = U256::from(99);
    for account in [mallory, admin, holder] {
        for (id, is_known) in [(id, true), (missing, false)] {
            let acceptance = acceptance(0, B256::ZERO);
            let outcomes = [
                world.send(account, dat, 0, &setCommitmentCall { id, commitment: B256::ZERO }),
                world.send(account, dat, 0, &setFeeCall { id, feeWei: 1 }),
                world.send(account, dat, 0, &setNodeCall { id, node: mallory, isAuthorized: true }),
                world.send(account, dat, 0, &grantQuotaCall { id, account, calls: 1 }),
                world.send(account, dat, 0, &sealKeyCall { id, account, sealedKey: Bytes::new() }),
                world.send(
                    account,
                    dat,
                    0,
                    &proveResultCall {
                        id,
                        acceptance: acceptance.clone(),
                        flops: 0,
                        peakBytes: 0,
                        context: B256::ZERO,
                        proof: Bytes::new(),
                    },
                ),
                world.send(
                    account,
                    dat,
                    0,
                    &proveDataSetCall {
                        id,
                        acceptance,
                        attestation: Bytes::new(),
                        proof: Bytes::new(),
                    },
                ),
            ];
            for outcome in outcomes {
                if is_known {
                    outcome.reverted(NotIssuer { id, account });
                } else {
                    outcome.reverted(unknown(id));
                }
            }
        }
    }
    let bob = world.bob.address;
    world.send(bob, dat, 0, &setFeeCall { id, feeWei: 1 }).reverted(not_agent(id));
    world.try_ask(dat, &agentTermsCall { id }).reverted(not_agent(id));
    world.try_ask(dat, &agentTermsCall { id: missing }).reverted(unknown(missing));
    let model = B256::repeat_byte(7);
    let agent = agent(world, model, 3);
    let call = setFeeCall { id: agent, feeWei: 11 };
    let event: FeeSet = world.send(bob, dat, 0, &call).event();
    assert_eq!((event.id, event.feeWei), (agent, 11));
    let terms = world.ask(dat, &agentTermsCall { id: agent });
    assert_eq!((terms.model, terms.feeWei), (model, 11));
    let call = setNodeCall { id, node: mallory, isAuthorized: true };
    let event: NodeSet = world.send(bob, dat, 0, &call).event();
    assert_eq!((event.id, event.node, event.isAuthorized), (id, mallory, true));
    assert!(world.ask(dat, &isNodeCall { id, node: mallory }));
    assert!(!world.ask(dat, &isNodeCall { id: agent, node: mallory }));
}

fn uses_are_burned_by_authorized_nodes_with_a_signature(world: &mut World) {
    let (id, node) = usable(world);
    let (alice, dat) = (world.alice.clone(), world.dat);
    let use_ = allowed(world, id, node, 3, 500);
    let signature = sign_use(world, &alice, &use_);
    let stranger = world.mallory.address;
    world
        .send(stranger, dat, 0, &consumeCall { use_: use_.clone(), signature: signature.clone() })
        .reverted(NodeUnauthorized { id, node: stranger });
    let forged = sign_use(world, &world.mallory.clone(), &use_);
    for wrong in [forged, Bytes::new(), signature.slice(..64)] {
        world
            .send(node, dat, 0, &consumeCall { use_: use_.clone(), signature: wrong })
            .reverted(InvalidSignature {});
    }
    let call = consumeCall { use_: use_.clone(), signature };
    let event: Consumed = world.send(node, dat, 0, &call).event();
    assert_eq!((event.id, event.user, event.node), (id, alice.address, node));
    assert_eq!((event.calls, event.request, event.nonce), (3, use_.request, use_.nonce));
    assert_eq!(world.ask(dat, &quotaOfCall { id, account: alice.address }), 7);
    assert_eq!(world.ask(dat, &describeCall { id, account: alice.address }).asset_.uses, 3);
    let used = NonceUsed { user: alice.address, nonce: use_.nonce };
    world.send(node, dat, 0, &call).reverted(used);
    // Nonces in any order, each once; a cancelled one is used.
    for nonce in [2, 1, 255, 256, 0] {
        let use_ = Use { nonce: U256::from(nonce), calls: 1, ..use_.clone() };
        let signature = sign_use(world, &alice, &use_);
        assert!(world.send(node, dat, 0, &consumeCall { use_, signature }).is_success);
        let call = isNonceUsedCall { user: alice.address, nonce: U256::from(nonce) };
        assert!(world.ask(dat, &call));
    }
    let nonce = U256::MAX;
    assert!(!world.ask(dat, &isNonceUsedCall { user: alice.address, nonce }));
    let call = cancelNonceCall { nonce };
    let event: NonceCancelled = world.send(alice.address, dat, 0, &call).event();
    assert_eq!((event.user, event.nonce), (alice.address, nonce));
    world.send(alice.address, dat, 0, &call).reverted(NonceUsed { user: alice.address, nonce });
    let use_ = Use { nonce, ..use_ };
    let signature = sign_use(world, &alice, &use_);
    world
        .send(node, dat, 0, &consumeCall { use_, signature })
        .reverted(NonceUsed { user: alice.address, nonce });
    // Two of ten are left.
    for (calls, deadline) in [(0, u64::MAX), (1, world.time() - 1)] {
        let use_ =
            Use { calls, deadline, nonce: U256::from(900), ..allowed(world, id, node, 1, 0) };
        let signature = sign_use(world, &alice, &use_);
        world.send(node, dat, 0, &consumeCall { use_, signature }).reverted(InvalidUse {});
    }
    let use_ = allowed(world, id, node, 3, 901);
    let signature = sign_use(world, &alice, &use_);
    world.send(node, dat, 0, &consumeCall { use_, signature }).reverted(QuotaExceeded {
        id,
        account: alice.address,
        got: 3,
        max: 2,
    });
    let use_ = allowed(world, id + U256::ONE, node, 1, 902);
    let signature = sign_use(world, &alice, &use_);
    world.send(node, dat, 0, &consumeCall { use_, signature }).reverted(unknown(id + U256::ONE));
    // A node that is no longer authorized.
    let (bob, use_) = (world.bob.address, allowed(world, id, node, 1, 903));
    let call = setNodeCall { id, node, isAuthorized: false };
    assert!(world.send(bob, dat, 0, &call).is_success);
    let signature = sign_use(world, &alice, &use_);
    world
        .send(node, dat, 0, &consumeCall { use_, signature })
        .reverted(NodeUnauthorized { id, node });
}

fn contracts_sign_uses_too(world: &mut World) {
    let (id, node) = usable(world);
    let (actor, dat, bob) = (world.actor(), world.dat, world.bob.address);
    let call = grantQuotaCall { id, account: actor, calls: 2 };
    assert!(world.send(bob, dat, 0, &call).is_success);
    let use_ = Use { user: actor, ..allowed(world, id, node, 2, 1) };
    let call = consumeCall { use_: use_.clone(), signature: Bytes::new() };
    world.send(node, dat, 0, &call).reverted(InvalidSignature {});
    let hash = use_hash(world, &use_);
    assert!(world.send(bob, actor, 0, &Actor::signCall { hash }).is_success);
    assert!(world.send(node, dat, 0, &call).is_success);
    assert_eq!(world.ask(dat, &quotaOfCall { id, account: actor }), 0);
}

/// What the constructor wrote is in code and storage, and what depends on the address is found
/// anew.
fn a_token_works_where_genesis_puts_it(world: &mut World) {
    let (id, node) = usable(world);
    let alice = world.alice.clone();
    let use_ = allowed(world, id, node, 3, 1);
    let elsewhere = sign_use(world, &alice, &use_);
    world.move_token(Address::repeat_byte(0xda));
    let dat = world.dat;
    let call = consumeCall { use_: use_.clone(), signature: elsewhere };
    world.send(node, dat, 0, &call).reverted(InvalidSignature {});
    let signature = sign_use(world, &alice, &use_);
    assert!(world.send(node, dat, 0, &consumeCall { use_, signature }).is_success);
    assert!(world.send(alice.address, dat, 10_000, &payToHoldersCall { id }).is_success);
    let call = withdrawCall { ids: vec![id], to: alice.address };
    assert!(world.send(alice.address, dat, 0, &call).is_success);
    assert_eq!(world.balance(dat), U256::ZERO);
}

/// Every field of what is signed, altered.
fn a_signature_is_for_one_use_of_one_chain_contract_and_node(world: &mut World) {
    let (id, node) = usable(world);
    let (other_id, _) = usable(world);
    let (alice, carol, dat) = (world.alice.clone(), world.carol.address, world.dat);
    let bob = world.bob.address;
    let call = setNodeCall { id, node: carol, isAuthorized: true };
    assert!(world.send(bob, dat, 0, &call).is_success);
    assert!(world.send(bob, dat, 0, &grantQuotaCall { id, account: carol, calls: 9 }).is_success);
    let right = allowed(world, id, node, 3, 1);
    let signature = sign_use(world, &alice, &right);
    let changed = |change: &dyn Fn(&mut Use)| {
        let mut use_ = right.clone();
        change(&mut use_);
        use_
    };
    for wrong in [
        changed(&|use_| use_.id = other_id),
        changed(&|use_| use_.user = carol),
        changed(&|use_| use_.node = carol),
        changed(&|use_| use_.calls = 4),
        changed(&|use_| use_.request = B256::ZERO),
        changed(&|use_| use_.nonce = U256::from(2)),
        changed(&|use_| use_.deadline += 1),
    ] {
        let call = consumeCall { use_: wrong.clone(), signature: signature.clone() };
        world.send(wrong.node, dat, 0, &call).reverted(InvalidSignature {});
    }
    // Another node of the asset, with what was signed for this one.
    let call = consumeCall { use_: right.clone(), signature: signature.clone() };
    world.send(carol, dat, 0, &call).reverted(NodeUnauthorized { id, node: carol });
    // Another contract, and one of another name.
    let structure = use_structure(&right);
    for hash in [
        typed_hash("DataAnchoringToken", world.jobs, structure),
        typed_hash("DataAnchoringTokens", dat, structure),
    ] {
        let call = consumeCall { use_: right.clone(), signature: alice.sign(hash) };
        world.send(node, dat, 0, &call).reverted(InvalidSignature {});
    }
    let domain = world.ask(dat, &eip712DomainCall {});
    assert_eq!((domain.name.as_str(), domain.version.as_str()), ("DataAnchoringToken", "1"));
    assert_eq!((domain.chainId, domain.verifyingContract), (U256::ONE, dat));
    assert!(world.send(node, dat, 0, &consumeCall { use_: right, signature }).is_success);
}

fn quotas_move_as_their_asset_allows(world: &mut World) {
    let (alice, bob, carol) = (world.alice.address, world.bob.address, world.carol.address);
    let dat = world.dat;
    let id = anchored(world);
    let call = grantQuotaCall { id, account: alice, calls: 5 };
    let event: QuotaMoved = world.send(bob, dat, 0, &call).event();
    assert_eq!((event.from, event.to, event.calls), (Address::ZERO, alice, 5));
    let call = transferQuotaCall { id, to: carol, calls: 2 };
    let event: QuotaMoved = world.send(alice, dat, 0, &call).event();
    assert_eq!((event.from, event.to, event.calls), (alice, carol, 2));
    assert_eq!(world.ask(dat, &quotaOfCall { id, account: alice }), 13);
    assert_eq!(world.ask(dat, &quotaOfCall { id, account: carol }), 2);
    // To oneself changes nothing.
    assert!(world.send(carol, dat, 0, &transferQuotaCall { id, to: carol, calls: 2 }).is_success);
    assert_eq!(world.ask(dat, &quotaOfCall { id, account: carol }), 2);
    let call = transferQuotaCall { id, to: alice, calls: 3 };
    world.send(carol, dat, 0, &call).reverted(QuotaExceeded { id, account: carol, got: 3, max: 2 });
    let bound = anchor(world, &Anchor { isTransferable: false, ..data_set() });
    let call = transferQuotaCall { id: bound, to: carol, calls: 1 };
    world.send(alice, dat, 0, &call).reverted(NotTransferable { id: bound });
    let missing = U256::from(50);
    let call = transferQuotaCall { id: missing, to: carol, calls: 1 };
    world.send(alice, dat, 0, &call).reverted(unknown(missing));
    // No quota is lost by overflow.
    let call = grantQuotaCall { id, account: carol, calls: u64::MAX };
    world.send(bob, dat, 0, &call).reverted(overflow());
    let call = grantQuotaCall { id, account: bob, calls: u64::MAX };
    assert!(world.send(bob, dat, 0, &call).is_success);
    let call = transferQuotaCall { id, to: bob, calls: 1 };
    world.send(carol, dat, 0, &call).reverted(overflow());
}

fn values_move_as_their_asset_allows(world: &mut World) {
    let (alice, carol, dat) = (world.alice.address, world.carol.address, world.dat);
    let mallory = world.mallory.address;
    let (free, bound) =
        (anchored(world), anchor(world, &Anchor { isTransferable: false, ..data_set() }));
    let one = |id, value: u64| safeTransferFromCall {
        from: alice,
        to: carol,
        id,
        value: U256::from(value),
        data: Bytes::new(),
    };
    let batch = |ids: &[U256], values: &[u64]| safeBatchTransferFromCall {
        from: alice,
        to: carol,
        ids: ids.to_vec(),
        values: values.iter().map(|value| U256::from(*value)).collect(),
        data: Bytes::new(),
    };
    assert!(world.send(alice, dat, 0, &one(free, 1)).is_success);
    assert!(world.send(alice, dat, 0, &batch(&[free, free], &[1, 2])).is_success);
    assert_eq!(world.ask(dat, &balanceOfCall { account: carol, id: free }), U256::from(4));
    world.send(alice, dat, 0, &one(bound, 1)).reverted(NotTransferable { id: bound });
    world
        .send(alice, dat, 0, &batch(&[free, bound], &[1, 1]))
        .reverted(NotTransferable { id: bound });
    let error = ERC1155MissingApprovalForAll { operator: mallory, owner: alice };
    world.send(mallory, dat, 0, &one(free, 1)).reverted(error.clone());
    world.send(mallory, dat, 0, &batch(&[free], &[1])).reverted(error);
    let error = ERC1155InsufficientBalance {
        sender: alice,
        balance: U256::from(96),
        needed: U256::from(97),
        tokenId: free,
    };
    world.send(alice, dat, 0, &one(free, 97)).reverted(error.clone());
    world.send(alice, dat, 0, &batch(&[free], &[97])).reverted(error);
    world
        .send(alice, dat, 0, &batch(&[free], &[]))
        .reverted(ERC1155InvalidArrayLength { idsLength: U256::ONE, valuesLength: U256::ZERO });
    let nobody = Address::ZERO;
    let error = ERC1155InvalidReceiver { receiver: nobody };
    world
        .send(alice, dat, 0, &safeTransferFromCall { to: nobody, ..one(free, 1) })
        .reverted(error.clone());
    world
        .send(alice, dat, 0, &safeBatchTransferFromCall { to: nobody, ..batch(&[free], &[1]) })
        .reverted(error);
    // Tokens that were never anchored are nobody's.
    let missing = U256::from(50);
    world.send(alice, dat, 0, &one(missing, 0)).reverted(NotTransferable { id: missing });
    let approve = |approved| setApprovalForAllCall { operator: mallory, approved };
    assert!(world.send(alice, dat, 0, &approve(true)).is_success);
    assert!(world.ask(dat, &isApprovedForAllCall { account: alice, operator: mallory }));
    assert!(world.send(mallory, dat, 0, &one(free, 1)).is_success);
    assert!(world.send(alice, dat, 0, &approve(false)).is_success);
    assert!(!world.send(mallory, dat, 0, &one(free, 1)).is_success);
    let call = setApprovalForAllCall { operator: nobody, approved: true };
    world.send(alice, dat, 0, &call).reverted(ERC1155InvalidOperator { operator: nobody });
}

fn expired_assets_are_not_used(world: &mut World) {
    let (bob, alice, dat) = (world.bob.address, world.alice.clone(), world.dat);
    let expires_at = world.time() + 50;
    let id = anchor(world, &Anchor { expiresAt: expires_at, ..data_set() });
    let agent = brief_agent(world, B256::repeat_byte(1));
    let node = world.carol.address;
    assert!(world.send(bob, dat, 0, &setNodeCall { id, node, isAuthorized: true }).is_success);
    let use_ = allowed(world, id, node, 1, 1);
    let signature = sign_use(world, &alice, &use_);
    let call = consumeCall { use_, signature };
    world.pass(1, 49);
    assert!(world.send(node, dat, 0, &call).is_success);
    world.pass(1, 1);
    let use_ = allowed(world, id, node, 1, 2);
    let signature = sign_use(world, &alice, &use_);
    world.send(node, dat, 0, &consumeCall { use_, signature }).reverted(expired(id));
    assert!(!world.ask(dat, &describeCall { id, account: alice.address }).rights.canUse);
    world.try_ask(dat, &agentTermsCall { id: agent }).reverted(expired(agent));
    // Revenue and value stay the holders'.
    assert!(world.send(bob, dat, 100, &payToHoldersCall { id }).is_success);
    let rights = world.ask(dat, &describeCall { id, account: alice.address }).rights;
    assert!(rights.withdrawable > U256::ZERO);
}

fn revenue_is_split_among_parents_holders_and_issuer(world: &mut World) {
    let (alice, bob, carol) = (world.alice.address, world.bob.address, world.carol.address);
    let dat = world.dat;
    let (first, second) = (anchored(world), anchored(world));
    let parents = vec![Parent { id: first, bps: 1_111 }, Parent { id: second, bps: 333 }];
    let id = anchor(world, &Anchor { parents, holderBps: 2_500, ..data_set() });
    let outcome = world.send(carol, dat, 1_000_001, &payToHoldersCall { id });
    let event: RevenueSplit = outcome.event();
    // 111,100.1111 and 33,300.0333 for the parents, 2,500/10,000 of the rest for the holders.
    let (to_first, to_second, to_holders) = (111_100_u64, 33_300_u64, 213_900_u64);
    assert_eq!(event.toParents, U256::from(to_first + to_second));
    assert_eq!(event.toHolders, U256::from(to_holders));
    assert_eq!(event.toIssuer, U256::from(1_000_001 - to_first - to_second - to_holders));
    assert_eq!((event.id, event.payer), (id, carol));
    for (parent, amount) in [(first, to_first), (second, to_second)] {
        assert_eq!(world.ask(dat, &inboxOfCall { id: parent }), U256::from(amount));
        let event: RevenueSplit = world.send(carol, dat, 0, &distributeCall { id: parent }).event();
        assert_eq!(event.toHolders + event.toIssuer, U256::from(amount));
        world.send(carol, dat, 0, &distributeCall { id: parent }).reverted(NothingPaid {});
    }
    assert_eq!(world.ask(dat, &owedToCall { account: bob }), event.toIssuer);
    let call = withdrawCall { ids: vec![first, second, id, id], to: alice };
    let paid = world.send(alice, dat, 0, &call).returned::<withdrawCall>();
    assert_eq!(paid, U256::from(to_first + to_second + to_holders));
    let call = withdrawCall { ids: vec![], to: carol };
    let before = world.balance(carol);
    let event: Withdrawn = world.send(bob, dat, 0, &call).event();
    assert_eq!((event.account, event.to), (bob, carol));
    assert_eq!(world.balance(carol) - before, event.amount);
    assert_eq!(world.balance(dat), U256::ZERO);
    let missing = U256::from(50);
    world.send(carol, dat, 1, &payToHoldersCall { id: missing }).reverted(unknown(missing));
    world.send(carol, dat, 0, &payToHoldersCall { id }).reverted(NothingPaid {});
    world.send(carol, dat, 0, &distributeCall { id: missing }).reverted(unknown(missing));
}

fn revenue_without_holders_is_the_issuers(world: &mut World) {
    let (alice, bob, dat) = (world.alice.address, world.bob.address, world.dat);
    let call = anchorCall { to: alice, value: U256::ZERO, quota: 0, anchor_: data_set() };
    let id = world.send(bob, dat, 0, &call).returned::<anchorCall>();
    let event: RevenueSplit = world.send(alice, dat, 1_001, &payToHoldersCall { id }).event();
    assert_eq!((event.toHolders, event.toIssuer), (U256::ZERO, U256::from(1_001)));
}

fn holders_are_paid_for_the_time_that_they_held(world: &mut World) {
    let (alice, carol, dat) = (world.alice.address, world.carol.address, world.dat);
    let id = anchored(world);
    let pay = |world: &mut World, value| {
        let bob = world.bob.address;
        assert!(world.send(bob, dat, value, &payToHoldersCall { id }).is_success);
    };
    // 100 units, all Alice's; then 70 and 30.
    pay(world, 1_000);
    let call = safeTransferFromCall {
        from: alice,
        to: carol,
        id,
        value: U256::from(30),
        data: Bytes::new(),
    };
    assert!(world.send(alice, dat, 0, &call).is_success);
    pay(world, 101);
    pay(world, 1);
    let earned = |world: &mut World, account| {
        world.ask(dat, &describeCall { id, account }).rights.withdrawable
    };
    // 1,000 + 70.7 + 0.7, and 30.3 + 0.3.
    assert_eq!(earned(world, alice), U256::from(1_071));
    assert_eq!(earned(world, carol), U256::from(30));
    let call = withdrawCall { ids: vec![id], to: carol };
    assert_eq!(world.send(carol, dat, 0, &call).returned::<withdrawCall>(), U256::from(30));
    // The fraction that was not paid is not lost: 0.6 and 0.3 more.
    pay(world, 1);
    world.send(carol, dat, 0, &call).reverted(NothingOwed { account: carol });
    pay(world, 1);
    assert_eq!(world.send(carol, dat, 0, &call).returned::<withdrawCall>(), U256::ONE);
}

fn withdrawals_happen_once(world: &mut World) {
    let (bob, dat) = (world.bob.address, world.dat);
    let actor = world.actor();
    let call = anchorCall { to: actor, value: U256::ONE, quota: 0, anchor_: data_set() };
    let id = world.send(bob, dat, 0, &call).returned::<anchorCall>();
    assert!(world.send(bob, dat, 1_000, &payToHoldersCall { id }).is_success);
    let withdraw = withdrawCall { ids: vec![id], to: actor };
    world.react(actor, REFUSE, dat, vec![]);
    world.act(actor, dat, 0, &withdraw).reverted(PaymentFailed { to: actor });
    world.react(actor, CALL, dat, withdraw.abi_encode());
    let before = world.balance(actor);
    assert_eq!(world.act(actor, dat, 0, &withdraw).returned::<withdrawCall>(), U256::from(1_000));
    assert_eq!(world.balance(actor) - before, U256::from(1_000));
    assert_eq!(world.ask(actor, &Actor::successesCall {}), U256::ZERO);
    let mallory = world.mallory.address;
    let call = withdrawCall { ids: vec![id], to: mallory };
    world.send(mallory, dat, 0, &call).reverted(NothingOwed { account: mallory });
}

/// Receivers of tokens that call back, refuse, or waste what they get.
fn hooks_change_nothing(world: &mut World) {
    let (alice, bob, dat) = (world.alice.address, world.bob.address, world.dat);
    let id = anchored(world);
    assert!(world.send(bob, dat, 1_000, &payToHoldersCall { id }).is_success);
    let actor = world.actor();
    let transfer = |from, to, value: u64| safeTransferFromCall {
        from,
        to,
        id,
        value: U256::from(value),
        data: Bytes::new(),
    };
    let attempts = [
        // Hands the value back while the transfer runs: a new transfer, and allowed.
        (transfer(actor, alice, 10).abi_encode(), true),
        (transfer(alice, actor, 10).abi_encode(), false),
        (withdrawCall { ids: vec![id], to: actor }.abi_encode(), false),
        (distributeCall { id }.abi_encode(), false),
        (grantQuotaCall { id, account: actor, calls: 1 }.abi_encode(), false),
        (setNodeCall { id, node: actor, isAuthorized: true }.abi_encode(), false),
    ];
    for (attempt, goes) in attempts {
        let batch = safeBatchTransferFromCall {
            from: alice,
            to: actor,
            ids: vec![id, id],
            values: vec![U256::from(5); 2],
            data: Bytes::new(),
        };
        for batched in [false, true] {
            world.react(actor, CALL, dat, attempt.clone());
            let successes = world.ask(actor, &Actor::successesCall {});
            let held = world.ask(dat, &balanceOfCall { account: actor, id });
            let outcome = if batched {
                world.send(alice, dat, 0, &batch)
            } else {
                world.send(alice, dat, 0, &transfer(alice, actor, 10))
            };
            assert!(outcome.is_success);
            let now = world.ask(actor, &Actor::successesCall {});
            assert_eq!(now > successes, goes);
            let received = if goes { 0 } else { 10 };
            assert_eq!(
                world.ask(dat, &balanceOfCall { account: actor, id }),
                held + U256::from(received)
            );
            assert_eq!(world.balance(dat), U256::from(1_000));
            world.react(actor, ACCEPT, dat, vec![]);
            let back = world.ask(dat, &balanceOfCall { account: actor, id });
            let call = transfer(actor, alice, back.to());
            assert!(world.act(actor, dat, 0, &call).is_success);
        }
    }
    let rights = world.ask(dat, &describeCall { id, account: alice }).rights;
    assert_eq!(rights.withdrawable, U256::from(1_000));
    for reaction in [REFUSE, BURN, BOMB] {
        world.react(actor, reaction, dat, vec![]);
        assert!(!world.send(alice, dat, 0, &transfer(alice, actor, 10)).is_success);
        let call = anchorCall { to: actor, value: U256::ONE, quota: 0, anchor_: data_set() };
        assert!(!world.send(bob, dat, 0, &call).is_success);
    }
    // A receiver of a minted token that mints in between: each has its own id.
    let nested = anchorCall { to: alice, value: U256::ONE, quota: 0, anchor_: data_set() };
    world.react(actor, CALL, dat, nested.abi_encode());
    let last = world.ask(dat, &currentTokenIdCall {});
    let call = anchorCall { to: actor, value: U256::from(8), quota: 0, anchor_: data_set() };
    let minted = world.send(bob, dat, 0, &call).returned::<anchorCall>();
    assert_eq!(minted, last + U256::ONE);
    assert_eq!(world.ask(dat, &totalSupplyCall { id: minted }), U256::from(8));
    assert_eq!(world.ask(dat, &totalSupplyCall { id: minted + U256::ONE }), U256::ONE);
    let issuer = world.ask(dat, &describeCall { id: minted + U256::ONE, account: alice });
    assert_eq!(issuer.asset_.issuer, actor);
}

fn results_are_proved(world: &mut World) {
    let (bob, dat) = (world.bob.address, world.dat);
    let quorum = registered_quorum(world);
    let (model, input, output) = (B256::repeat_byte(1), B256::repeat_byte(2), B256::repeat_byte(3));
    let anchor_ = Anchor { class: RESULT, commitment: output, model, input, ..data_set() };
    let id = anchor(world, &anchor_);
    let context = B256::repeat_byte(4);
    let statement = run(model, input, output, 5, 6, context);
    let ways = [
        (acceptance(0, quorum.key_hash()), quorum.prove(Fact::Workflow { run: statement })),
        (acceptance(1, quorum.root()), quorum.certify_run(statement)),
    ];
    for (acceptance, proof) in ways {
        let right = proveResultCall { id, acceptance, flops: 5, peakBytes: 6, context, proof };
        let mut altered = right.proof.to_vec();
        *altered.last_mut().unwrap() ^= 1;
        for wrong in [
            proveResultCall { flops: 6, ..right.clone() },
            proveResultCall { peakBytes: 5, ..right.clone() },
            proveResultCall { context: B256::ZERO, ..right.clone() },
            proveResultCall { proof: altered.into(), ..right.clone() },
        ] {
            world.send(bob, dat, 0, &wrong).reverted(InvalidProof {});
        }
        let event: Proved = world.send(bob, dat, 0, &right).event();
        let claim =
            keccak256((model, input, output, U256::from(5), U256::from(6), context).abi_encode());
        assert_eq!((event.id, event.claim, &event.acceptance), (id, claim, &right.acceptance));
        let evidence = world.ask(dat, &describeCall { id, account: bob }).asset_.evidence;
        assert_eq!((evidence.claim, evidence.at), (claim, world.time()));
        assert_eq!(evidence.acceptance, right.acceptance);
        let wrong = proveResultCall { id: anchored(world), ..right };
        world.send(bob, dat, 0, &wrong).reverted(InvalidAnchor {});
    }
}

fn data_sets_are_proved(world: &mut World) {
    let (bob, dat) = (world.bob.address, world.dat);
    let quorum = registered_quorum(world);
    let root = data_set().commitment;
    let id = anchored(world);
    let available = |root| Fact::Available {
        dataset: B256::repeat_byte(8),
        version: 1,
        root,
        bytes: 1_000,
        k: 2,
        n: 4,
        until_epoch: Epoch(9),
    };
    let valid = Fact::Valid {
        dataset: B256::repeat_byte(8),
        version: 1,
        root,
        policy: B256::repeat_byte(9),
        score: 7_000,
    };
    let call = |fact, acceptance: &Acceptance| proveDataSetCall {
        id,
        acceptance: acceptance.clone(),
        attestation: quorum.attestation(fact).encode().into(),
        proof: if acceptance.checker == 0 { quorum.prove(fact) } else { quorum.certify(fact) },
    };
    for acceptance in [acceptance(0, quorum.key_hash()), acceptance(1, quorum.root())] {
        for fact in [available(root), valid] {
            let right = call(fact, &acceptance);
            let event: Proved = world.send(bob, dat, 0, &right).event();
            assert_eq!(event.claim, keccak256(&right.attestation));
            let mut altered = right.attestation.to_vec();
            *altered.last_mut().unwrap() ^= 1;
            let wrong = proveDataSetCall { attestation: altered.into(), ..right.clone() };
            world.send(bob, dat, 0, &wrong).reverted(InvalidProof {});
            let wrong =
                proveDataSetCall { attestation: right.attestation.slice(..113), ..right.clone() };
            world.send(bob, dat, 0, &wrong).reverted(InvalidProof {});
        }
        // True facts about something else, or of another kind.
        let other = Fact::Checkpoint { height: u64::MAX, state_root: root };
        let run = Fact::Workflow { run: run(root, root, root, 1, 1, root) };
        for fact in [available(B256::ZERO), other, run, Fact::Inconsistent { root }] {
            world.send(bob, dat, 0, &call(fact, &acceptance)).reverted(InvalidProof {});
        }
        let mut wrong = call(valid, &acceptance);
        wrong.acceptance.system = 4;
        world.send(bob, dat, 0, &wrong).reverted(InvalidProof {});
    }
    let agent = agent(world, root, 0);
    let wrong = proveDataSetCall { id: agent, ..call(valid, &acceptance(1, quorum.root())) };
    world.send(bob, dat, 0, &wrong).reverted(InvalidAnchor {});
}

/// What keeps a proof from being checked is told.
fn proofs_are_checked_by_what_is_there(world: &mut World) {
    let (bob, dat) = (world.bob.address, world.dat);
    let quorum = registered_quorum(world);
    let (result, data) = provable(world, &quorum, 0, quorum.key_hash());
    let unsuited = Acceptance { system: 1, ..acceptance(1, quorum.root()) };
    let call = proveResultCall { acceptance: unsuited, ..result.clone() };
    world.send(bob, dat, 0, &call).reverted(CheckerUnsuited { checker: 1, system: 1 });
    let key = B256::repeat_byte(7);
    let error = ILazErrors::UnknownVerifyingKey { system: U256::ZERO, keyHash: key };
    let call = proveResultCall { acceptance: acceptance(0, key), ..result.clone() };
    world.send(bob, dat, 0, &call).reverted(error.clone());
    let call = proveDataSetCall { acceptance: acceptance(0, key), ..data.clone() };
    world.send(bob, dat, 0, &call).reverted(error);
    // With too little gas nothing is shown, nor refused as false.
    for data in [result.abi_encode(), data.abi_encode()] {
        let mut gas = 60_000;
        let refused = loop {
            let outcome = world.send_data(bob, dat, 0, data.clone(), gas);
            if outcome.is_success {
                panic!("no refusal");
            }
            if !outcome.output.is_empty() {
                break outcome;
            }
            gas += 499;
        };
        refused.reverted(ProofCheckFailed {});
    }
}

/// On a chain without AI precompiles.
fn without_precompiles(world: &mut World) {
    let (bob, dat) = (world.bob.address, world.dat);
    let quorum = Quorum::new();
    let has_contract = !world.quorum_verifier.is_zero();
    for (checker, key) in [(0, quorum.key_hash()), (1, quorum.root())] {
        let (result, data) = provable(world, &quorum, checker, key);
        for outcome in [world.send(bob, dat, 0, &result), world.send(bob, dat, 0, &data)] {
            if checker == 1 && has_contract {
                assert!(outcome.is_success);
            } else {
                outcome.reverted(CheckerMissing { checker });
            }
        }
    }
}

/// The calls of chains without AI precompiles.
pub(crate) fn elsewhere() -> Calls {
    let mut world = World::without_precompiles(true);
    without_precompiles(&mut world);
    let mut other = World::without_precompiles(false);
    without_precompiles(&mut other);
    world.seen.append(&mut other.seen);
    world.seen
}

#[test]
fn proofs_are_checked_where_they_can_be() {
    assert!(!elsewhere().is_empty());
}

/// True proofs of a result and of a data set of Bob's.
fn provable(
    world: &mut World,
    quorum: &Quorum,
    checker: u8,
    key: B256,
) -> (proveResultCall, proveDataSetCall) {
    let hash = B256::repeat_byte(1);
    let anchor_ =
        Anchor { class: RESULT, commitment: hash, model: hash, input: hash, ..data_set() };
    let statement = run(hash, hash, hash, 5, 6, hash);
    let fact = Fact::Valid {
        dataset: hash,
        version: 1,
        root: data_set().commitment,
        policy: hash,
        score: 1,
    };
    let is_precompile = checker == 0;
    let result = proveResultCall {
        id: anchor(world, &anchor_),
        acceptance: acceptance(checker, key),
        flops: 5,
        peakBytes: 6,
        context: hash,
        proof: if is_precompile {
            quorum.prove(Fact::Workflow { run: statement })
        } else {
            quorum.certify_run(statement)
        },
    };
    let data = proveDataSetCall {
        id: anchored(world),
        acceptance: acceptance(checker, key),
        attestation: quorum.attestation(fact).encode().into(),
        proof: if is_precompile { quorum.prove(fact) } else { quorum.certify(fact) },
    };
    (result, data)
}

fn keys_are_sealed(world: &mut World) {
    let (alice, bob, dat) = (world.alice.address, world.bob.address, world.dat);
    let id = anchored(world);
    let sealed_key = Bytes::from(vec![7; 1_024]);
    let call = sealKeyCall { id, account: alice, sealedKey: sealed_key.clone() };
    let event: KeySealed = world.send(bob, dat, 0, &call).event();
    assert_eq!((event.id, event.account, &event.sealedKey), (id, alice, &sealed_key));
    let rights = world.ask(dat, &describeCall { id, account: alice }).rights;
    assert_eq!(rights.sealedKey, sealed_key);
    assert!(world.ask(dat, &describeCall { id, account: bob }).rights.sealedKey.is_empty());
    let call = sealKeyCall { id, account: alice, sealedKey: vec![7; 1_025].into() };
    world
        .send(bob, dat, 0, &call)
        .reverted(KeyTooLong { got: U256::from(1_025), max: U256::from(1_024) });
    assert_eq!(world.ask(dat, &MAX_KEY_BYTESCall {}), U256::from(1_024));
    assert_eq!(world.ask(dat, &MAX_PARENTSCall {}), U256::from(8));
    assert_eq!(world.ask(dat, &QUORUM_VERIFIERCall {}), world.quorum_verifier);
    assert_eq!(world.ask(dat, &USE_TYPEHASHCall {}), keccak256(USE_TYPE));
}

fn markets_read_royalties(world: &mut World) {
    let (bob, dat) = (world.bob.address, world.dat);
    let id = anchor(world, &Anchor { royaltyBps: 250, ..data_set() });
    let call = royaltyInfoCall { tokenId: id, salePrice: U256::from(1_000) };
    let info = world.ask(dat, &call);
    assert_eq!((info.receiver, info.amount), (bob, U256::from(25)));
    let plain = royaltyInfoCall { tokenId: id + U256::ONE, salePrice: U256::from(1_000) };
    assert_eq!(world.ask(dat, &plain).amount, U256::ZERO);
}

fn roles_are_granted_by_the_admin(world: &mut World) {
    let (admin, alice, dat) = (world.admin.address, world.alice.address, world.dat);
    let (minter, root) = (keccak256("MINTER_ROLE"), B256::ZERO);
    assert_eq!(world.ask(dat, &DEFAULT_ADMIN_ROLECall {}), root);
    assert_eq!(world.ask(dat, &getRoleAdminCall { role: minter }), root);
    let error = AccessControlUnauthorizedAccount { account: alice, neededRole: root };
    let grant = grantRoleCall { role: minter, account: alice };
    let revoke = revokeRoleCall { role: minter, account: alice };
    world.send(alice, dat, 0, &grant).reverted(error.clone());
    world.send(alice, dat, 0, &revoke).reverted(error);
    assert!(world.send(admin, dat, 0, &grant).is_success);
    assert!(world.ask(dat, &hasRoleCall { role: minter, account: alice }));
    let mint =
        mintCall { to: alice, amount: U256::ONE, fileUrl_: "ipfs://x".into(), verified_: false };
    assert!(world.send(alice, dat, 0, &mint).is_success);
    let renounce = renounceRoleCall { role: minter, callerConfirmation: admin };
    world.send(alice, dat, 0, &renounce).reverted(AccessControlBadConfirmation {});
    let renounce = renounceRoleCall { role: minter, callerConfirmation: alice };
    assert!(world.send(alice, dat, 0, &renounce).is_success);
    assert!(world.send(admin, dat, 0, &grant).is_success);
    assert!(world.send(admin, dat, 0, &revoke).is_success);
    assert!(!world.send(alice, dat, 0, &mint).is_success);
}

fn large_amounts_are_refused(world: &mut World) {
    let (admin, bob, dat) = (world.admin.address, world.bob.address, world.dat);
    let max = U256::from(u128::MAX);
    let error = ValueTooLarge { got: max + U256::ONE, max };
    let first = anchored(world);
    let rich = Account::new("rich").address;
    world.fund(rich, max << 2);
    let pay = payToHoldersCall { id: first };
    world.send_wei(rich, dat, max + U256::ONE, &pay).reverted(error.clone());
    assert!(world.send_wei(rich, dat, max, &pay).is_success);
    let described = world.ask(dat, &describeCall { id: first, account: world.alice.address });
    // What does not divide by a hundred units waits for the next payment.
    assert_eq!(described.rights.withdrawable, max - U256::ONE);
    for (value, goes) in [(max, true), (max + U256::ONE, false)] {
        let call = anchorCall { to: bob, value, quota: 0, anchor_: data_set() };
        let anchored = world.send(bob, dat, 0, &call);
        let call = mintCall { to: bob, amount: value, fileUrl_: String::new(), verified_: false };
        let minted = world.send(admin, dat, 0, &call);
        let ids = vec![world.ask(dat, &currentTokenIdCall {}) + U256::ONE];
        let call =
            batchMintCall { to: bob, ids, amounts: vec![value], fileUrls: vec![String::new()] };
        let batch = world.send(admin, dat, 0, &call);
        for outcome in [anchored, minted, batch] {
            if goes {
                assert!(outcome.is_success);
            } else {
                outcome.reverted(error.clone());
            }
        }
    }
    // Of the smallest payment to the largest value, 2^-128 wei do not divide: they wait.
    let id = first + U256::ONE;
    let call = withdrawCall { ids: vec![id], to: bob };
    assert!(world.send(admin, dat, 1, &payToHoldersCall { id }).is_success);
    world.send(bob, dat, 0, &call).reverted(NothingOwed { account: bob });
    assert!(world.send(admin, dat, 1, &payToHoldersCall { id }).is_success);
    assert_eq!(world.send(bob, dat, 0, &call).returned::<withdrawCall>(), U256::ONE);
}

/// A data set whose 100 units and 10 uses are Alice's, and whose issuer is Bob.
pub(crate) fn anchored(world: &mut World) -> U256 {
    anchor(world, &data_set())
}

/// An agent of Bob's.
pub(crate) fn agent(world: &mut World, model: B256, fee_wei: u128) -> U256 {
    anchor(world, &Anchor { class: AGENT, model, feeWei: fee_wei, ..data_set() })
}

/// An agent for a hundred seconds.
pub(crate) fn brief_agent(world: &mut World, model: B256) -> U256 {
    let expires_at = world.time() + 50;
    anchor(world, &Anchor { class: AGENT, model, expiresAt: expires_at, ..data_set() })
}

pub(crate) fn set_fee(world: &mut World, id: U256, fee_wei: u128) {
    let (bob, dat) = (world.bob.address, world.dat);
    assert!(world.send(bob, dat, 0, &setFeeCall { id, feeWei: fee_wei }).is_success);
}

pub(crate) const fn not_agent(id: U256) -> NotAgent {
    NotAgent { id }
}

pub(crate) const fn unknown(id: U256) -> UnknownToken {
    UnknownToken { id }
}

pub(crate) const fn expired(id: U256) -> Expired {
    Expired { id }
}

pub(crate) fn data_set() -> Anchor {
    Anchor {
        class: DATA_SET,
        isTransferable: true,
        expiresAt: 0,
        holderBps: 10_000,
        derivedBps: 0,
        royaltyBps: 0,
        feeWei: 0,
        commitment: B256::repeat_byte(0xda),
        model: B256::ZERO,
        input: B256::ZERO,
        fileUrl: "ipfs://data".into(),
        parents: vec![],
    }
}

/// What a data set is derived from.
pub(crate) trait Parents {
    fn with_parents(self, ids: &[U256], bps: u16) -> Self;
}

impl Parents for Anchor {
    fn with_parents(self, ids: &[U256], bps: u16) -> Self {
        Self { parents: ids.iter().map(|id| Parent { id: *id, bps }).collect(), ..self }
    }
}

fn try_anchor(world: &mut World, anchor_: &Anchor) -> Outcome {
    let (alice, bob, dat) = (world.alice.address, world.bob.address, world.dat);
    let anchor_ = anchor_.clone();
    let call = anchorCall { to: alice, value: U256::from(100), quota: 10, anchor_ };
    world.send(bob, dat, 0, &call)
}

pub(crate) fn anchor(world: &mut World, anchor_: &Anchor) -> U256 {
    try_anchor(world, anchor_).returned::<anchorCall>()
}

/// A data set and the node that may burn its uses.
fn usable(world: &mut World) -> (U256, Address) {
    let id = anchored(world);
    let (bob, dat, node) = (world.bob.address, world.dat, Account::new("node").address);
    let call = setNodeCall { id, node, isAuthorized: true };
    assert!(world.send(bob, dat, 0, &call).is_success);
    (id, node)
}

fn allowed(world: &World, id: U256, node: Address, calls: u64, nonce: u64) -> Use {
    allowed_by(world, world.alice.address, id, node, calls, nonce)
}

pub(crate) fn allowed_by(
    world: &World,
    user: Address,
    id: U256,
    node: Address,
    calls: u64,
    nonce: u64,
) -> Use {
    Use {
        id,
        user,
        node,
        calls,
        request: B256::repeat_byte(0x11),
        nonce: U256::from(nonce),
        deadline: world.time() + 1_000,
    }
}

fn use_structure(use_: &Use) -> B256 {
    let Use { id, user, node, calls, request, nonce, deadline } = use_.clone();
    let fields = (
        keccak256(USE_TYPE),
        id,
        user,
        node,
        U256::from(calls),
        request,
        nonce,
        U256::from(deadline),
    );
    keccak256(fields.abi_encode())
}

fn use_hash(world: &World, use_: &Use) -> B256 {
    typed_hash("DataAnchoringToken", world.dat, use_structure(use_))
}

pub(crate) fn sign_use(world: &World, user: &Account, use_: &Use) -> Bytes {
    user.sign(use_hash(world, use_))
}

const fn acceptance(checker: u8, key: B256) -> Acceptance {
    Acceptance { checker, system: 0, key }
}

fn registered_quorum(world: &mut World) -> Quorum {
    let quorum = Quorum::new();
    let register = ILazProofVerifier::registerCall { system: 0, verifyingKey: quorum.key().into() };
    let alice = world.alice.address;
    assert!(world.send(alice, PROOF_VERIFIER, 0, &register).is_success);
    quorum
}

/// What Solidity reverts with when a sum is too large.
fn overflow() -> alloy_sol_types::Panic {
    alloy_sol_types::Panic::from(0x11)
}

const DATA_SET: u8 = 1;
const MODEL: u8 = 2;
const AGENT: u8 = 3;
const RESULT: u8 = 4;
const USE_TYPE: &str = "Use(uint256 id,address user,address node,uint64 calls,bytes32 request,uint256 nonce,uint64 deadline)";
