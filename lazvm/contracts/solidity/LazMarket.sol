// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

/// @title The base fees of the three resources
/// @notice The chain itself writes here at the end of each block, by a system call: what the next block costs, and what this one
/// used. Contracts read it, and `eth_getProof` proves it: slots 0 to 2 hold the fee of `evm`, `ai` and `inference` above the number
/// that its rule carries from block to block, slot 3 the gas of each and the block.
contract LazMarket {
    /// @notice A call by an account that is not the chain itself.
    error OnlySystem(address caller);

    struct Fee {
        /// What the rule of the fee carries from block to block.
        uint128 level;
        /// Wei for each gas of the next block.
        uint128 baseFee;
    }

    struct Used {
        uint64 evm;
        uint64 ai;
        uint64 inference;
        /// The block that used it; 0 before the first.
        uint64 number;
    }

    /// Whose calls the chain makes (EIP-4788).
    address private constant SYSTEM = 0xffffFFFfFFffffffffffffffFfFFFfffFFFfFFfE;

    Fee[3] private fees;
    Used private used;

    /// @notice Ends a block: `levels` and `baseFees_` are those of the next one, `gas` is what it used.
    function settle(uint128[3] calldata levels, uint128[3] calldata baseFees_, uint64[3] calldata gas) external {
        if (msg.sender != SYSTEM) revert OnlySystem(msg.sender);
        for (uint256 i = 0; i < 3; ++i) {
            fees[i] = Fee(levels[i], baseFees_[i]);
        }
        used = Used(gas[0], gas[1], gas[2], uint64(block.number));
    }

    /// @notice Wei for each gas of the resources, in the block that is being executed; zeros in the first.
    function baseFees() external view returns (uint128 evm, uint128 ai, uint128 inference) {
        return (fees[0].baseFee, fees[1].baseFee, fees[2].baseFee);
    }

    /// @notice Gas that the block before used of the resources.
    function gasUsed() external view returns (uint64 evm, uint64 ai, uint64 inference) {
        return (used.evm, used.ai, used.inference);
    }

    /// @notice The block that was settled last.
    function settledBlock() external view returns (uint64) {
        return used.number;
    }
}
