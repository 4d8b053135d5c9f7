// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {LazAI, Price, Statement} from "lazai-precompiles/solidity/LazAI.sol";

/// @title Keeps results that were computed elsewhere and proved
/// @notice Which proof system proves them is the owner's choice, and no part of this code.
contract Results {
    /// @notice Who chooses the proof system.
    address public immutable owner;

    /// @notice The proof system in use.
    uint32 public system;

    /// @notice The verifying key in use.
    bytes32 public keyHash;

    /// @notice Hash of the proved output, by hash of the input, for the key in use at that time.
    mapping(bytes32 keyHash => mapping(bytes32 input => bytes32 output)) public outputs;

    /// @notice Whether a program is proved to have committed values with this hash.
    mapping(bytes32 keyHash => mapping(bytes32 values => bool proved)) public committed;

    /// @notice From now on proofs are of another system.
    event SystemChosen(uint32 indexed system, bytes32 indexed keyHash);

    /// @notice A result was proved and kept.
    event Proved(uint32 indexed system, bytes32 indexed keyHash, bytes32 indexed input, bytes32 output);

    error NotOwner();
    error NotProved();
    error OtherContext(bytes32 got, bytes32 expected);

    constructor() {
        owner = msg.sender;
    }

    /// @notice Changes the proof system.
    function choose(uint32 newSystem, bytes calldata verifyingKey) external {
        if (msg.sender != owner) revert NotOwner();
        system = newSystem;
        keyHash = LazAI.PROOF_VERIFIER.register(newSystem, verifyingKey);
        emit SystemChosen(newSystem, keyHash);
    }

    /// @notice Keeps a model's output if it is proved.
    function submit(Statement calldata statement, bytes calldata proof) external {
        if (statement.context != context()) revert OtherContext(statement.context, context());
        if (!LazAI.PROOF_VERIFIER.verify(system, keyHash, statement, proof)) revert NotProved();
        outputs[keyHash][statement.input] = statement.output;
        emit Proved(system, keyHash, statement.input, statement.output);
    }

    /// @notice Keeps the hash of a zkVM program's public values if they are proved.
    function submitValues(bytes calldata values, bytes calldata proof) external {
        if (!LazAI.PROOF_VERIFIER.verifyValues(system, keyHash, values, proof)) revert NotProved();
        committed[keyHash][keccak256(values)] = true;
        emit Proved(system, keyHash, 0, keccak256(values));
    }

    /// @notice What proofs must be bound to, so that none made for another chain or contract is taken here.
    function context() public view returns (bytes32) {
        return keccak256(abi.encode(block.chainid, address(this)));
    }

    /// @notice Gas of checking a proof under the key in use.
    function priceOf(uint64 valuesBytes, uint64 proofBytes) external view returns (uint256 gas) {
        uint64 keyBytes = uint64(address(uint160(uint256(keyHash))).code.length - 1);
        (Price memory price, uint64 gasEvm) =
            LazAI.PROOF_VERIFIER.quote(system, keyBytes, valuesBytes, proofBytes);
        return uint256(price.gasAI) + price.gasInference + gasEvm;
    }
}
