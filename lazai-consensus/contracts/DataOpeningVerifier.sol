// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

/// @notice What an opening was found to be.
enum OpeningStatus {
    // First, so that what was never set does not pass for valid.
    Malformed,
    Valid,
    // The commitment is not that of the data set with this root.
    OtherDataset,
    // The data set has no such stripe, shard or leaf.
    NoSuchPlace,
    // The leaf and its path do not lead to the committed root.
    WrongPath
}

/// @title Leaves of data that LazVM's quorums keep off chain
/// @notice Nothing that stands in the opening makes a call revert.
///
/// Bytes of an opening, integers big-endian:
///
///     bytes of data 8 | k 2 | n 2 | bytes of a stripe 4 | root of stripes 32 |
///     stripe 4 | shard 2 | leaf 4 | bytes of the leaf 1024 | siblings 32 each, from the leaf up
library DataOpenings {
    /// @param root Root of the data set; the caller must have it from a source that it trusts.
    /// @return result What the opening is; the other three say which leaf it shows, if it is valid.
    function status(bytes32 root, bytes calldata opening)
        internal
        pure
        returns (OpeningStatus result, uint32 stripe, uint16 shard, uint32 leaf)
    {
        unchecked {
            if (opening.length < HEAD || opening.length > MAX || (opening.length - HEAD) % 32 != 0) {
                return (OpeningStatus.Malformed, 0, 0, 0);
            }
            if (keccak256(abi.encodePacked("lazvm/dataset/1", opening[:48])) != root) {
                return (OpeningStatus.OtherDataset, 0, 0, 0);
            }
            stripe = uint32(bytes4(opening[48:]));
            shard = uint16(bytes2(opening[52:]));
            leaf = uint32(bytes4(opening[54:]));
            // A root of other numbers is no data set's: whoever made it up must not make this divide by zero.
            uint256 size = uint64(bytes8(opening));
            uint256 k = uint16(bytes2(opening[8:]));
            uint256 n = uint16(bytes2(opening[10:]));
            uint256 full = uint32(bytes4(opening[12:]));
            if (size == 0 || n == 0 || n > 1024 || k != (n - 1) / 3 + 1 || full == 0 || full > 1 << 26) {
                return (OpeningStatus.Malformed, stripe, shard, leaf);
            }
            uint256 stripes = (size + full - 1) / full;
            if (stripes > 1 << 24) return (OpeningStatus.Malformed, stripe, shard, leaf);
            if (stripe >= stripes || shard >= n) return (OpeningStatus.NoSuchPlace, stripe, shard, leaf);
            uint256 held = stripe == stripes - 1 ? size - stripe * full : full;
            uint256 leaves = (held + k * 1024 - 1) / (k * 1024);
            if (leaf >= leaves) return (OpeningStatus.NoSuchPlace, stripe, shard, leaf);
            bool isOpened = _isOpened(opening, leaf, leaves, shard, n, stripe, stripes);
            result = isOpened ? OpeningStatus.Valid : OpeningStatus.WrongPath;
        }
    }

    /// Whether the leaf and its path lead to the root of stripes.
    function _isOpened(
        bytes calldata opening,
        uint256 leaf,
        uint256 leaves,
        uint256 shard,
        uint256 shards,
        uint256 stripe,
        uint256 stripes
    ) private pure returns (bool isOpened) {
        assembly ("memory-safe") {
            // The root above a leaf's hash, and the next sibling.
            function climb(node, hash, place, width, from) -> root, next {
                root := hash
                next := from
                for {} gt(width, 1) { width := shr(1, add(width, 1)) } {
                    // The last of an odd level goes up as it is.
                    if lt(xor(place, 1), width) {
                        let right := shl(5, and(place, 1))
                        mstore(add(add(node, 1), right), root)
                        // Behind the end there are zeros or foreign bytes; the comparison of the end refuses them.
                        mstore(add(add(node, 1), xor(right, 0x20)), calldataload(next))
                        next := add(next, 0x20)
                        root := keccak256(node, 65)
                    }
                    place := shr(1, place)
                }
            }
            function leafHash(node, hash) -> leaf_ {
                mstore(node, 0)
                mstore(add(node, 1), hash)
                leaf_ := keccak256(node, 33)
                mstore8(node, 1)
            }

            let node := mload(0x40)
            mstore8(node, 0)
            calldatacopy(add(node, 1), add(opening.offset, 58), 1024)
            let hash := keccak256(node, 1025)
            mstore8(node, 1)
            let sibling := add(opening.offset, 1082)
            hash, sibling := climb(node, hash, leaf, leaves, sibling)
            hash, sibling := climb(node, leafHash(node, hash), shard, shards, sibling)
            hash, sibling := climb(node, leafHash(node, hash), stripe, stripes, sibling)
            isOpened := and(eq(hash, calldataload(add(opening.offset, 16))), eq(sibling, add(opening.offset, opening.length)))
        }
    }

    /// Commitment, place and leaf.
    uint256 private constant HEAD = 48 + 10 + 1024;
    /// At most 16 siblings in a shard, 10 in a stripe, 24 in a data set.
    uint256 private constant MAX = HEAD + 50 * 32;
}

/// @title Leaves of data that LazVM's quorums keep off chain, for contracts that keep the library out of their own code
contract DataOpeningVerifier {
    /// @notice Tells whether an opening shows a leaf of a data set, and which.
    /// @param root Root of the data set; the caller must have it from a source that it trusts.
    function verify(bytes32 root, bytes calldata opening)
        external
        pure
        returns (OpeningStatus status, uint32 stripe, uint16 shard, uint32 leaf)
    {
        return DataOpenings.status(root, opening);
    }
}
