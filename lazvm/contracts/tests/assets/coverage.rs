//! A table of what every function can revert with, held against what the scenarios have seen.

use std::collections::{BTreeMap, BTreeSet};

use alloy_primitives::keccak256;
use serde_json::Value;

use crate::{
    jobs, models, token,
    world::{Calls, GAS, NAMES, World, artifact},
};

/// Every function of every contract, called in success and in each of its reverts.
#[test]
fn every_function_succeeds_and_reverts_as_the_table_says() {
    let mut seen = jobs::elsewhere();
    seen.append(&mut token::elsewhere());
    for scenario in [jobs::SCENARIOS, models::SCENARIOS, token::SCENARIOS].concat() {
        let mut world = World::new();
        scenario(&mut world);
        seen.append(&mut world.seen);
    }
    let mut gaps = Vec::new();
    for contract in NAMES {
        let abi = Abi::new(contract);
        let rows = TABLE.iter().filter(|(of, ..)| *of == contract);
        let rows: BTreeMap<_, _> = rows.map(|(_, name, errors)| (*name, *errors)).collect();
        let named: BTreeSet<_> = rows.keys().copied().collect();
        let there: BTreeSet<_> = abi.functions.keys().map(String::as_str).collect();
        assert_eq!(named, there, "{contract}");
        for (name, errors) in rows {
            let selector = abi.functions[name];
            let endings = endings(&seen, contract, selector);
            if !endings.contains(&None) {
                gaps.push(format!("{contract}.{name} never succeeds"));
            }
            // Nothing is what a call ends with that lacks gas.
            let found: BTreeSet<_> = endings
                .into_iter()
                .flatten()
                .filter(|error| *error != [0; 4])
                .map(|error| abi.error(error))
                .collect();
            let expected = errors.split_whitespace().map(String::from).collect();
            if found != expected {
                gaps.push(format!("{contract}.{name} reverts with {found:?}, not {expected:?}"));
            }
        }
        let used: BTreeSet<_> = TABLE
            .iter()
            .filter(|(of, ..)| *of == contract)
            .flat_map(|(.., errors)| errors.split_whitespace())
            .chain(ELSEWHERE.iter().flat_map(|(of, error, _)| (*of == contract).then_some(*error)))
            .collect();
        for error in abi.errors.values().filter(|error| !used.contains(error.as_str())) {
            gaps.push(format!("{contract} never reverts with {error}"));
        }
    }
    assert!(gaps.is_empty(), "{}", gaps.join("\n"));
}

/// Besides, every function refuses calldata that is too short, and value unless it takes some.
#[test]
fn values_and_short_calldata_are_refused() {
    for contract in NAMES {
        let mut world = World::new();
        let to = world.address(contract);
        let abi = Abi::new(contract);
        for (name, selector) in &abi.functions {
            if !abi.payable.contains(name) {
                let data = [selector.as_slice(), &[0; 2_048]].concat();
                let outcome = world.send_data(world.alice.address, to, 1, data, GAS);
                assert!(!outcome.is_success && outcome.output.is_empty(), "{contract}.{name}");
            }
            if !name.ends_with("()") {
                let data = [selector.as_slice(), &[0; 31]].concat();
                let outcome = world.send_data(world.alice.address, to, 0, data, GAS);
                assert!(!outcome.is_success && outcome.output.is_empty(), "{contract}.{name}");
            }
        }
        for data in [vec![], vec![0xff; 4]] {
            for value in [0, 1] {
                let outcome = world.send_data(world.alice.address, to, value, data.clone(), GAS);
                assert!(!outcome.is_success, "{contract}");
            }
        }
    }
}

fn endings(seen: &Calls, contract: &str, selector: [u8; 4]) -> BTreeSet<Option<[u8; 4]>> {
    seen.iter()
        .filter(|(of, called, _)| *of == contract && *called == selector)
        .map(|(.., ending)| *ending)
        .collect()
}

/// What an artifact says.
struct Abi {
    /// By name and types of arguments, where a tuple is written as its contract is: `tuple`.
    functions: BTreeMap<String, [u8; 4]>,
    payable: BTreeSet<String>,
    errors: BTreeMap<[u8; 4], String>,
}

impl Abi {
    fn new(contract: &str) -> Self {
        let artifact = artifact(contract);
        let mut abi =
            Self { functions: BTreeMap::new(), payable: BTreeSet::new(), errors: BTreeMap::new() };
        for item in artifact["abi"].as_array().unwrap() {
            let name = item["name"].as_str().unwrap_or_default();
            let signature = format!("{name}({})", types(&item["inputs"]));
            let selector = keccak256(&signature)[..4].try_into().unwrap();
            match item["type"].as_str().unwrap() {
                "function" => {
                    let has_arguments = !item["inputs"].as_array().unwrap().is_empty();
                    let name = format!("{name}{}", if has_arguments { "" } else { "()" });
                    if item["stateMutability"] == "payable" {
                        abi.payable.insert(name.clone());
                    }
                    assert!(abi.functions.insert(name, selector).is_none(), "overloaded");
                }
                "error" => {
                    abi.errors.insert(selector, name.into());
                }
                _ => {}
            }
        }
        abi
    }

    /// Errors of others, passed on, are written as their selectors are.
    fn error(&self, selector: [u8; 4]) -> String {
        self.errors.get(&selector).cloned().unwrap_or_else(|| {
            let others = [
                "DeadlinePassed(bytes32,uint64)",
                "Error(string)",
                "Expired(uint256)",
                "IsRevoked(bytes32)",
                "NotAgent(uint256)",
                "Panic(uint256)",
                "UnknownProofSystem(uint256)",
                "UnknownToken(uint256)",
                "UnknownVerifyingKey(uint256,bytes32)",
                "Unregistered(bytes32)",
            ];
            let found = others.iter().find(|error| keccak256(error)[..4] == selector);
            found.map_or_else(|| format!("{selector:02x?}"), |error| (*error).into())
        })
    }
}

fn types(inputs: &Value) -> String {
    let kinds = inputs.as_array().unwrap().iter().map(|input| {
        let kind = input["type"].as_str().unwrap();
        match kind.strip_prefix("tuple") {
            Some(rest) => format!("({}){rest}", types(&input["components"])),
            None => kind.into(),
        }
    });
    kinds.collect::<Vec<_>>().join(",")
}

/// Contract, function, and what it reverts with.
const TABLE: &[(&str, &str, &str)] = &[
    ("LazJobs", "CALLBACK_OVERHEAD()", ""),
    ("LazJobs", "CANCEL_NOTICE()", ""),
    ("LazJobs", "DAT()", ""),
    ("LazJobs", "MAX_ACCEPTANCES()", ""),
    ("LazJobs", "MAX_ANSWER_BYTES()", ""),
    ("LazJobs", "MAX_CALLBACK_GAS()", ""),
    ("LazJobs", "MAX_WAIT()", ""),
    ("LazJobs", "MODELS()", ""),
    ("LazJobs", "QUORUM_VERIFIER()", ""),
    ("LazJobs", "cancel", "NotOpen NotRequester"),
    ("LazJobs", "contextOf", ""),
    ("LazJobs", "decline", "NotOpen NotWorker WrongTerms"),
    (
        "LazJobs",
        "deliver",
        "AnswerTooLong CheckerMissing DeadlinePassed InvalidProof NotEnoughGas NotOpen NotWorker ProofCheckFailed \
         UnknownAcceptance UnknownProofSystem(uint256) UnknownVerifyingKey(uint256,bytes32) WorkExceeded WrongAnswer WrongTerms",
    ),
    ("LazJobs", "forward", "NothingOwed"),
    ("LazJobs", "idOf", ""),
    ("LazJobs", "job", ""),
    ("LazJobs", "owedTo", ""),
    ("LazJobs", "owedToDat", ""),
    (
        "LazJobs",
        "quote",
        "CheckerMissing CheckerUnsuited Expired(uint256) InvalidRequest IsRevoked(bytes32) NotAgent(uint256) OtherModel \
         UnknownToken(uint256) Unregistered(bytes32) WrongJob",
    ),
    ("LazJobs", "refund", "DeadlineNotPassed NotOpen"),
    (
        "LazJobs",
        "request",
        "CheckerMissing CheckerUnsuited Expired(uint256) InvalidRequest IsRevoked(bytes32) NotAgent(uint256) OtherModel \
         UnknownToken(uint256) Unregistered(bytes32) WrongJob WrongValue",
    ),
    ("LazJobs", "requestsOf", ""),
    ("LazJobs", "withdraw", "NothingOwed PaymentFailed"),
    ("LazModels", "MAX_REQUIRED()", ""),
    ("LazModels", "MAX_TEXT_BYTES()", ""),
    ("LazModels", "NOTICE_BLOCKS()", ""),
    ("LazModels", "acceptModel", "IsRevoked NotOffered Unregistered"),
    ("LazModels", "acceptOwnership()", "OwnableUnauthorizedAccount"),
    ("LazModels", "commit", "AlreadyCommitted"),
    ("LazModels", "commitmentOf", ""),
    ("LazModels", "isRequired", ""),
    ("LazModels", "model", ""),
    ("LazModels", "offerModel", "IsRevoked NotOwner Unregistered"),
    ("LazModels", "owner()", ""),
    ("LazModels", "pendingOwner()", ""),
    ("LazModels", "quote", "IsRevoked Unregistered"),
    ("LazModels", "reassign", "IsRevoked NotOffered OwnableUnauthorizedAccount Unregistered"),
    (
        "LazModels",
        "register",
        "AlreadyRegistered CommitmentMissing CommitmentTooYoung InvalidListing InvalidModel",
    ),
    ("LazModels", "releaseModel", "BlockTooEarly NotRequired OwnableUnauthorizedAccount"),
    ("LazModels", "renounceOwnership()", "OwnableUnauthorizedAccount"),
    (
        "LazModels",
        "requireModel",
        "BlockTooEarly IsRequired IsRevoked OwnableUnauthorizedAccount TooManyRequired Unregistered",
    ),
    ("LazModels", "requiredModels", ""),
    ("LazModels", "revoke", "IsRequired IsRevoked NotOwner Unregistered"),
    ("LazModels", "terms", "IsRevoked Unregistered"),
    ("LazModels", "transferOwnership", "OwnableUnauthorizedAccount"),
    ("LazModels", "update", "InvalidListing IsRevoked NotOwner Unregistered"),
    ("DataAnchoringToken", "DEFAULT_ADMIN_ROLE()", ""),
    ("DataAnchoringToken", "MAX_KEY_BYTES()", ""),
    ("DataAnchoringToken", "MAX_PARENTS()", ""),
    ("DataAnchoringToken", "MINTER_ROLE()", ""),
    ("DataAnchoringToken", "QUORUM_VERIFIER()", ""),
    ("DataAnchoringToken", "USE_TYPEHASH()", ""),
    ("DataAnchoringToken", "agentTerms", "Expired NotAgent UnknownToken"),
    (
        "DataAnchoringToken",
        "anchor",
        "ERC1155InvalidReceiver Error(string) InvalidAnchor InvalidParents UnknownToken ValueTooLarge",
    ),
    ("DataAnchoringToken", "balanceOf", ""),
    ("DataAnchoringToken", "balanceOfBatch", "ERC1155InvalidArrayLength"),
    (
        "DataAnchoringToken",
        "batchMint",
        "AccessControlUnauthorizedAccount LengthMismatch UnexpectedId ValueTooLarge",
    ),
    ("DataAnchoringToken", "cancelNonce", "NonceUsed"),
    (
        "DataAnchoringToken",
        "consume",
        "Expired InvalidSignature InvalidUse NodeUnauthorized NonceUsed QuotaExceeded UnknownToken",
    ),
    ("DataAnchoringToken", "currentTokenId()", ""),
    ("DataAnchoringToken", "describe", "UnknownToken"),
    ("DataAnchoringToken", "distribute", "NothingPaid UnknownToken"),
    ("DataAnchoringToken", "eip712Domain()", ""),
    ("DataAnchoringToken", "fileUrl", "UnknownToken"),
    ("DataAnchoringToken", "getRoleAdmin", ""),
    ("DataAnchoringToken", "grantQuota", "NotIssuer Panic(uint256) UnknownToken"),
    ("DataAnchoringToken", "grantRole", "AccessControlUnauthorizedAccount"),
    ("DataAnchoringToken", "hasRole", ""),
    ("DataAnchoringToken", "inboxOf", ""),
    ("DataAnchoringToken", "isApprovedForAll", ""),
    ("DataAnchoringToken", "isNode", ""),
    ("DataAnchoringToken", "isNonceUsed", ""),
    (
        "DataAnchoringToken",
        "mint",
        "AccessControlUnauthorizedAccount ERC1155InvalidReceiver ValueTooLarge",
    ),
    ("DataAnchoringToken", "owedTo", ""),
    ("DataAnchoringToken", "payToHolders", "NothingPaid UnknownToken ValueTooLarge"),
    (
        "DataAnchoringToken",
        "proveDataSet",
        "CheckerMissing InvalidAnchor InvalidProof NotIssuer ProofCheckFailed UnknownToken UnknownVerifyingKey(uint256,bytes32)",
    ),
    (
        "DataAnchoringToken",
        "proveResult",
        "CheckerMissing CheckerUnsuited InvalidAnchor InvalidProof NotIssuer ProofCheckFailed UnknownToken UnknownVerifyingKey(uint256,bytes32)",
    ),
    ("DataAnchoringToken", "quotaOf", ""),
    ("DataAnchoringToken", "renounceRole", "AccessControlBadConfirmation"),
    ("DataAnchoringToken", "revokeRole", "AccessControlUnauthorizedAccount"),
    ("DataAnchoringToken", "royaltyInfo", ""),
    (
        "DataAnchoringToken",
        "safeBatchTransferFrom",
        "ERC1155InsufficientBalance ERC1155InvalidArrayLength ERC1155InvalidReceiver \
         ERC1155MissingApprovalForAll NotTransferable",
    ),
    (
        "DataAnchoringToken",
        "safeTransferFrom",
        "ERC1155InsufficientBalance ERC1155InvalidReceiver ERC1155MissingApprovalForAll Error(string) NotTransferable",
    ),
    ("DataAnchoringToken", "sealKey", "KeyTooLong NotIssuer UnknownToken"),
    ("DataAnchoringToken", "setApprovalForAll", "ERC1155InvalidOperator"),
    (
        "DataAnchoringToken",
        "setCommitment",
        "AlreadyCommitted InvalidAnchor NotIssuer UnknownToken",
    ),
    ("DataAnchoringToken", "setFee", "NotAgent NotIssuer UnknownToken"),
    ("DataAnchoringToken", "setNode", "NotIssuer UnknownToken"),
    ("DataAnchoringToken", "setTokenVerified", "AccessControlUnauthorizedAccount UnknownToken"),
    ("DataAnchoringToken", "setURI", "AccessControlUnauthorizedAccount"),
    ("DataAnchoringToken", "supportsInterface", ""),
    ("DataAnchoringToken", "totalSupply", ""),
    (
        "DataAnchoringToken",
        "transferQuota",
        "NotTransferable Panic(uint256) QuotaExceeded UnknownToken",
    ),
    ("DataAnchoringToken", "uri", ""),
    ("DataAnchoringToken", "verified", "UnknownToken"),
    ("DataAnchoringToken", "withdraw", "NothingOwed PaymentFailed"),
];

/// Errors that no call from outside ends with, and why.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("LazJobs", "ReentrancyGuardReentrantCall", "a call within a call, whose caller goes on"),
    ("LazModels", "OwnableInvalidOwner", "the constructor"),
    ("DataAnchoringToken", "ReentrancyGuardReentrantCall", "a call within a call"),
    ("DataAnchoringToken", "ERC1155InvalidApprover", "nobody calls from the zero address"),
    ("DataAnchoringToken", "ERC1155InvalidSender", "tokens of nobody are not transferable"),
    ("DataAnchoringToken", "ERC2981InvalidDefaultRoyalty", "there is none"),
    ("DataAnchoringToken", "ERC2981InvalidDefaultRoyaltyReceiver", "there is none"),
    ("DataAnchoringToken", "ERC2981InvalidTokenRoyalty", "bounded before"),
    ("DataAnchoringToken", "ERC2981InvalidTokenRoyaltyReceiver", "an issuer is a caller"),
    ("DataAnchoringToken", "InvalidShortString", "the constructor"),
    ("DataAnchoringToken", "StringTooLong", "the constructor"),
];
