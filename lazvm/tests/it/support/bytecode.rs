//! Callers, in EVM bytecode with one instruction a line.

use alloy_primitives::Address;
use lazvm::revm::bytecode::opcode as op;

/// How a caller calls.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Call,
    CallCode,
    Delegate,
    Static,
}

/// Calls `target` with the whole calldata and all gas, stores 1 for failure or 2 for success in
/// slot 0, and returns what the target returned.
pub(crate) fn forwarder(kind: Kind, target: Address) -> Vec<u8> {
    let mut code = forward(kind, target);
    code.extend(RETURN_WHAT_CAME_BACK);
    code
}

/// As [`forwarder`], but stores nothing, so that it also works in a static call.
pub(crate) fn relay(kind: Kind, target: Address) -> Vec<u8> {
    let mut code = call(kind, target);
    code.extend(RETURN_WHAT_CAME_BACK);
    code
}

const RETURN_WHAT_CAME_BACK: [u8; 7] = [
    op::RETURNDATASIZE,
    op::PUSH0,
    op::PUSH0,
    op::RETURNDATACOPY,
    op::RETURNDATASIZE,
    op::PUSH0,
    op::RETURN,
];

/// Calls `target` with the whole calldata and so much `gas`, keeps the rest, and stops.
pub(crate) fn passer(target: Address, gas: u32) -> Vec<u8> {
    let mut code = call(Kind::Call, target);
    // In place of all gas.
    code.truncate(code.len() - 2);
    code.push(op::PUSH4);
    code.extend(gas.to_be_bytes());
    code.extend([op::CALL, op::STOP]);
    code
}

/// As [`forwarder`], but reverts in the end.
pub(crate) fn reverter(target: Address) -> Vec<u8> {
    let mut code = forward(Kind::Call, target);
    code.extend([op::PUSH0, op::PUSH0, op::REVERT]);
    code
}

/// As [`forwarder`], but burns all gas in the end.
pub(crate) fn burner(target: Address) -> Vec<u8> {
    let mut code = forward(Kind::Call, target);
    code.push(op::INVALID);
    code
}

/// Counts down from `rounds` with eight arithmetic instructions a round, then stores the result in
/// slot 0.
pub(crate) fn looper(rounds: u32) -> Vec<u8> {
    let mut code = vec![op::PUSH0, op::PUSH4];
    code.extend(rounds.to_be_bytes());
    let start = code.len() as u8;
    code.extend([
        op::JUMPDEST,
        // accumulator = accumulator * 3 + counter ^ counter
        op::SWAP1,
        op::PUSH1,
        3,
        op::MUL,
        op::DUP2,
        op::ADD,
        op::DUP2,
        op::XOR,
        op::SWAP1,
        // counter = counter - 1
        op::PUSH1,
        1,
        op::SWAP1,
        op::SUB,
        op::DUP1,
        op::PUSH1,
        start,
        op::JUMPI,
        op::POP,
        op::PUSH0,
        op::SSTORE,
    ]);
    code
}

/// Clears slots 0 to `count - 1`, for which the EVM gives gas back, after calling `target` with the
/// whole calldata.
pub(crate) fn clearer(target: Address, count: u8) -> Vec<u8> {
    let mut code = call(Kind::Call, target);
    code.push(op::POP);
    for slot in 0..count {
        code.extend([op::PUSH0, op::PUSH1, slot, op::SSTORE]);
    }
    code
}

fn forward(kind: Kind, target: Address) -> Vec<u8> {
    let mut code = call(kind, target);
    code.extend([op::PUSH1, 1, op::ADD, op::PUSH0, op::SSTORE]);
    code
}

/// Leaves 1 or 0 on the stack.
fn call(kind: Kind, target: Address) -> Vec<u8> {
    let mut code = vec![
        op::CALLDATASIZE,
        op::PUSH0,
        op::PUSH0,
        op::CALLDATACOPY,
        // Output: none. Input: all of it.
        op::PUSH0,
        op::PUSH0,
        op::CALLDATASIZE,
        op::PUSH0,
    ];
    if matches!(kind, Kind::Call | Kind::CallCode) {
        code.push(op::PUSH0); // no value
    }
    code.push(op::PUSH20);
    code.extend(target);
    code.push(op::GAS);
    code.push(match kind {
        Kind::Call => op::CALL,
        Kind::CallCode => op::CALLCODE,
        Kind::Delegate => op::DELEGATECALL,
        Kind::Static => op::STATICCALL,
    });
    code
}
