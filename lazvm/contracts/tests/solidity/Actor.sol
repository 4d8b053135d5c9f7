// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

/// @notice What an actor does when it is called.
enum Reaction {
    Accept,
    Refuse,
    /// Takes all the gas that there is.
    Burn,
    /// Returns, or reverts with, more than anybody wants to copy.
    Bomb,
    /// Makes a call of its own, whatever comes of it.
    Call
}

/// @title An account of the tests that is a contract
contract Actor {
    Reaction public reaction;
    address public target;
    bytes public data;
    /// Calls that were reacted to, and those of the actor's own that succeeded.
    uint256 public calls;
    uint256 public successes;
    /// Gas that the last call came with, its sender, and the hash of its data.
    uint256 public gasSeen;
    address public senderSeen;
    bytes32 public dataSeen;
    /// The one hash that it has signed (ERC-1271).
    bytes32 public signed;

    function set(Reaction reaction_, address target_, bytes calldata data_) external {
        (reaction, target, data) = (reaction_, target_, data_);
    }

    function sign(bytes32 hash) external {
        signed = hash;
    }

    /// Calls in its own name.
    function run(address to, uint256 value, bytes calldata data_) external payable returns (bytes memory result) {
        bool success;
        (success, result) = to.call{value: value}(data_);
        if (!success) {
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
    }

    function isValidSignature(bytes32 hash, bytes calldata) external view returns (bytes4) {
        return hash == signed ? this.isValidSignature.selector : bytes4(0);
    }

    function onJobDelivered(bytes32, bytes32, bytes calldata) external {
        _react();
    }

    function onERC1155Received(address, address, uint256, uint256, bytes calldata) external returns (bytes4) {
        _react();
        return this.onERC1155Received.selector;
    }

    function onERC1155BatchReceived(address, address, uint256[] calldata, uint256[] calldata, bytes calldata)
        external
        returns (bytes4)
    {
        _react();
        return this.onERC1155BatchReceived.selector;
    }

    receive() external payable {
        _react();
    }

    function _react() private {
        uint256 gas_ = gasleft();
        Reaction reaction_ = reaction;
        if (reaction_ == Reaction.Refuse) revert("refused");
        if (reaction_ == Reaction.Burn) {
            assembly ("memory-safe") {
                invalid()
            }
        }
        if (reaction_ == Reaction.Bomb) {
            assembly {
                revert(0, 500000)
            }
        }
        ++calls;
        (gasSeen, senderSeen, dataSeen) = (gas_, msg.sender, keccak256(msg.data));
        if (reaction_ == Reaction.Call) {
            (bool success,) = target.call(data);
            if (success) ++successes;
        }
    }
}
