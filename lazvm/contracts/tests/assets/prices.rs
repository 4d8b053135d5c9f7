//! What calls cost.

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolCall;
use lazvm_contracts::{jobs::LazJobs, models::LazModels, token::DataAnchoringToken};

use crate::{
    jobs::{Setup, called},
    models,
    token::{self, Parents},
    world::{GAS, World},
};

/// Prints the gas of whole transactions, as docs/settlement.md has it:
/// `cargo test -p lazvm-contracts --test assets prices -- --nocapture`.
#[test]
fn every_call_costs_what_is_written() {
    let mut table = Table { world: World::new(), rows: Vec::new() };
    table.models();
    table.jobs();
    table.token();
    let text =
        format!("| contract | call | gas |\n| --- | --- | --- |\n{}\n", table.rows.join("\n"));
    println!("{text}");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/settlement.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains(&text), "docs/settlement.md has another table");
}

struct Table {
    world: World,
    rows: Vec<String>,
}

impl Table {
    #[track_caller]
    fn row<C: SolCall>(&mut self, who: Who, contract: &str, what: &str, value: U256, call: &C) {
        let world = &mut self.world;
        let from = match who {
            Who::Admin => world.admin.address,
            Who::Alice => world.alice.address,
            Who::Bob => world.bob.address,
            Who::Carol => world.carol.address,
        };
        let to = world.address(contract);
        let outcome = world.send_data(from, to, value.to(), call.abi_encode(), GAS);
        assert!(outcome.is_success, "{what}: {}", outcome.output);
        let name = C::SIGNATURE.split('(').next().unwrap();
        let (thousands, rest) = (outcome.gas_used / 1_000, outcome.gas_used % 1_000);
        self.rows.push(format!("| `{contract}` | `{name}`{what} | {thousands},{rest:03} |"));
    }

    fn models(&mut self) {
        use LazModels::*;
        let model_ = models::registered(&mut self.world);
        let listing = models::listing();
        let other = alloy_primitives::B256::repeat_byte(0x31);
        let bob = self.world.bob.address;
        let commitment = models::commitment(&mut self.world, other, bob);
        let none = U256::ZERO;
        self.row(Who::Bob, "LazModels", "", none, &commitCall { commitment });
        self.world.pass(1, 1);
        let call = registerCall { model_: other, listing: listing.clone(), salt: models::SALT };
        self.row(Who::Bob, "LazModels", "", none, &call);
        self.row(Who::Bob, "LazModels", "", none, &updateCall { model_: other, listing });
        let from_block = self.world.number() + 10;
        let call = requireModelCall { model_, fromBlock: from_block };
        self.row(Who::Admin, "LazModels", "", none, &call);
        let call = releaseModelCall { model_, fromBlock: from_block };
        self.row(Who::Admin, "LazModels", "", none, &call);
        self.row(Who::Bob, "LazModels", "", none, &revokeCall { model_: other });
    }

    fn jobs(&mut self) {
        use LazJobs::*;
        let setup = Setup::again(&mut self.world);
        let jobs = self.world.jobs;
        let none = U256::ZERO;
        let plain = setup.request(&self.world);
        let by_contract = Request { acceptances: vec![setup.by_contract()], ..plain.clone() };
        let agent = token::agent(&mut self.world, setup.model, 5);
        let full = Request { agent, ..called(plain.clone()) };
        for (request_, what, delivered) in [
            (plain.clone(), "", ", certificate of 4 by the precompile"),
            (by_contract, ", contract", ", certificate of 4 by the contract"),
            (full, ", agent and callback", ", agent and callback to an account without code"),
        ] {
            let price = self.world.ask(jobs, &quoteCall { request_: request_.clone() });
            let requester = self.world.alice.address;
            let number = self.world.ask(jobs, &requestsOfCall { account: requester });
            let id = self.world.ask(jobs, &idOfCall { requester, number });
            let terms = setup.terms(&self.world, &request_);
            self.row(Who::Alice, "LazJobs", what, price, &requestCall { request_ });
            let delivery = if what.contains("contract") {
                setup.delivery_by_contract(&self.world, id, 0)
            } else {
                setup.delivery(&self.world, id)
            };
            let call = deliverCall { id, terms, delivery };
            self.row(Who::Carol, "LazJobs", delivered, none, &call);
        }
        let (id, _) = setup.ask(&mut self.world, &plain);
        self.row(Who::Alice, "LazJobs", "", none, &cancelCall { id });
        self.world.pass(1, 601);
        self.row(Who::Carol, "LazJobs", "", none, &refundCall { id });
        let worker = self.world.carol.address;
        let request = Request { worker, ..setup.request(&self.world) };
        let (id, terms) = setup.ask(&mut self.world, &request);
        self.row(Who::Carol, "LazJobs", "", none, &declineCall { id, terms });
        self.row(Who::Carol, "LazJobs", "", none, &withdrawCall { to: worker });
        self.row(Who::Carol, "LazJobs", "", none, &forwardCall { dat: agent });
    }

    fn token(&mut self) {
        use DataAnchoringToken::*;
        const DAT: &str = "DataAnchoringToken";
        let (alice, carol) = (self.world.alice.address, self.world.carol.address);
        let none = U256::ZERO;
        for _ in 0..3 {
            token::anchored(&mut self.world);
        }
        let call = mintCall {
            to: alice,
            amount: U256::from(77),
            fileUrl_: "ipfs://file".into(),
            verified_: true,
        };
        self.row(Who::Admin, DAT, "", none, &call);
        let last = self.world.ask(self.world.dat, &currentTokenIdCall {});
        let call = batchMintCall {
            to: alice,
            ids: (1..4).map(|index| last + U256::from(index)).collect(),
            amounts: vec![U256::from(77); 3],
            fileUrls: vec!["ipfs://file".into(); 3],
        };
        self.row(Who::Admin, DAT, " of three", none, &call);
        let plain =
            anchorCall { to: alice, value: U256::from(100), quota: 10, anchor_: token::data_set() };
        self.row(Who::Bob, DAT, "", none, &plain);
        let id = last + U256::from(4);
        let ids: Vec<_> = (0..8).map(|back| id - U256::from(back)).rev().collect();
        let anchor_ = token::data_set().with_parents(&ids, 100);
        self.row(Who::Bob, DAT, " with eight parents", none, &anchorCall { anchor_, ..plain });
        let child = id + U256::ONE;
        self.row(Who::Bob, DAT, "", U256::from(1_000), &payToHoldersCall { id });
        self.row(Who::Bob, DAT, " again", U256::from(1_000), &payToHoldersCall { id });
        let call = payToHoldersCall { id: child };
        self.row(Who::Bob, DAT, " with eight parents", U256::from(1_000_000), &call);
        self.row(Who::Carol, DAT, "", none, &distributeCall { id });
        for what in [" to a new holder", " again"] {
            let (value, data) = (U256::from(5), Bytes::new());
            let call = safeTransferFromCall { from: alice, to: carol, id, value, data };
            self.row(Who::Alice, DAT, what, none, &call);
        }
        let call = withdrawCall { ids: vec![id], to: alice };
        self.row(Who::Alice, DAT, " of one token", none, &call);
        let call = withdrawCall { ids: ids[4..].to_vec(), to: carol };
        self.world.send(carol, self.world.dat, 1_000, &payToHoldersCall { id });
        self.row(Who::Carol, DAT, " of four tokens", none, &call);
        let call = setNodeCall { id, node: carol, isAuthorized: true };
        self.row(Who::Bob, DAT, "", none, &call);
        let call = grantQuotaCall { id, account: carol, calls: 5 };
        self.row(Who::Bob, DAT, "", none, &call);
        let call = transferQuotaCall { id, to: carol, calls: 1 };
        self.row(Who::Alice, DAT, "", none, &call);
        for nonce in [1, 2] {
            let use_ = token::allowed_by(&self.world, alice, id, carol, 1, nonce);
            let signature = token::sign_use(&self.world, &self.world.alice, &use_);
            let what = if nonce == 1 { "" } else { " again" };
            self.row(Who::Carol, DAT, what, none, &consumeCall { use_, signature });
        }
        let call = sealKeyCall { id, account: alice, sealedKey: vec![7; 128].into() };
        self.row(Who::Bob, DAT, " of 128 bytes", none, &call);
    }
}

#[derive(Clone, Copy)]
enum Who {
    Admin,
    Alice,
    Bob,
    Carol,
}
