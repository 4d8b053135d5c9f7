// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

/// @notice What a certificate was found to be.
enum CertificateStatus {
    // First, so that what was never set does not pass for valid.
    Malformed,
    Valid,
    // The statement is of a version that is not read.
    UnknownVersion,
    // The certificate, in the statement's quorum and epoch, is not of the committee with this root.
    OtherCommittee,
    // The members that did not sign weigh a third or more.
    TooLittleWeight,
    // Those said not to have signed are not at these places of the committee.
    WrongMembers,
    // The others have not all signed the statement.
    WrongSignature
}

/// @notice There was too little gas to tell, so the call must be repeated with more.
error NotEnoughGas();

/// @title Certificates of LazVM's quorums
/// @notice Needs the precompiles of EIP-2537. Nothing that stands in the certificate makes a call revert.
///
/// Bytes of a certificate, integers big-endian, points as in EIP-2537:
///
///     total weight 8 | members 4 | sum of all keys 256 | Merkle root of members 32 | sum of signatures 128 |
///     absent 1 | per absent member, ascending: place 1, address 20, weight 8, key 256 | siblings 32 each
///
/// The siblings lead from the leaves of the absent members to the root, level by level, in each from the left; a sibling that is
/// itself known is left out. The committee's root binds the first three fields and the root of members.
library QuorumCertificates {
    /// @param committee Root of the committee that may speak; the caller must have it from a source that it trusts.
    /// @param statement Canonical bytes of the statement.
    function status(bytes32 committee, bytes calldata statement, bytes calldata certificate)
        internal
        view
        returns (CertificateStatus)
    {
        if (!isWellFormed(statement, certificate)) return CertificateStatus.Malformed;
        if (statement[0] != 0x01) return CertificateStatus.UnknownVersion;
        if (committeeOf(statement, certificate) != committee) return CertificateStatus.OtherCommittee;
        uint256 absent = uint8(certificate[HEAD - 1]);
        uint256 nodes = leaves(certificate, absent);
        if (nodes == 0) return CertificateStatus.WrongMembers;
        if (!_isQuorum(certificate, absent)) return CertificateStatus.TooLittleWeight;
        if (absent != 0 && !areMembers(certificate, absent, nodes)) return CertificateStatus.WrongMembers;
        bool isSigned = _isSigned(hashOf(statement), certificate, absent);
        return isSigned ? CertificateStatus.Valid : CertificateStatus.WrongSignature;
    }

    /// @notice Whether statement and certificate have lengths that they can have.
    function isWellFormed(bytes calldata statement, bytes calldata certificate) internal pure returns (bool) {
        unchecked {
            if (statement.length < STATEMENT_HEAD || statement.length > MAX_STATEMENT) return false;
            if (certificate.length < HEAD) return false;
            uint256 absent = uint8(certificate[HEAD - 1]);
            uint256 members = HEAD + absent * ABSENT_BYTES;
            if (absent > MAX_ABSENT || certificate.length < members) return false;
            uint256 siblings = certificate.length - members;
            return siblings % 32 == 0 && siblings / 32 <= absent * MAX_DEPTH;
        }
    }

    /// @notice What members sign.
    function hashOf(bytes calldata statement) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked("lazvm/quorum-statement/1", statement));
    }

    /// @notice The root of the committee that the certificate is of.
    function committeeOf(bytes calldata statement, bytes calldata certificate) internal pure returns (bytes32 root) {
        assembly ("memory-safe") {
            let at := mload(0x40)
            mstore(at, "lazvm/committee/1")
            // Quorum and epoch.
            calldatacopy(add(at, 17), add(statement.offset, 1), 40)
            // Total weight, members, sum of keys, root of members.
            calldatacopy(add(at, 57), certificate.offset, 300)
            root := keccak256(at, 357)
        }
    }

    /// @notice Writes the place and the hash of each absent member's leaf to memory, 64 bytes each, and returns where; 0 if the
    /// places do not ascend or are none of the committee.
    function leaves(bytes calldata certificate, uint256 absent) internal pure returns (uint256 nodes) {
        assembly ("memory-safe") {
            nodes := mload(0x40)
            let leaf := add(nodes, shl(6, absent))
            mstore(0x40, leaf)
            let from := add(certificate.offset, 429)
            let next := 0
            for { let to := nodes } lt(to, leaf) { to := add(to, 0x40) } {
                let place := byte(0, calldataload(from))
                if lt(place, next) { nodes := 0 break }
                next := add(place, 1)
                mstore8(leaf, 0)
                calldatacopy(add(leaf, 1), add(from, 1), 284)
                mstore(to, place)
                mstore(add(to, 0x20), keccak256(leaf, 285))
                from := add(from, 285)
            }
            if gt(next, and(shr(160, calldataload(certificate.offset)), 0xffffffff)) { nodes := 0 }
        }
    }

    /// Whether those that are not absent weigh more than two thirds.
    function _isQuorum(bytes calldata certificate, uint256 absent) private pure returns (bool isQuorum) {
        assembly ("memory-safe") {
            let weight := 0
            let end := add(add(certificate.offset, 450), mul(absent, 285))
            for { let from := add(certificate.offset, 450) } lt(from, end) { from := add(from, 285) } {
                weight := add(weight, shr(192, calldataload(from)))
            }
            isQuorum := lt(mul(3, weight), shr(192, calldataload(certificate.offset)))
        }
    }

    /// @notice Whether the leaves stand at their places under the root of members.
    function areMembers(bytes calldata certificate, uint256 absent, uint256 nodes) internal pure returns (bool isRoot) {
        assembly ("memory-safe") {
            let width := and(shr(160, calldataload(certificate.offset)), 0xffffffff)
            let sibling := add(add(certificate.offset, 429), mul(absent, 285))
            let end := add(certificate.offset, certificate.length)
            let last := add(nodes, shl(6, absent))
            // Overwritten by the hash of each node: 0x01 | left | right.
            let node := mload(0x40)
            mstore8(node, 1)
            for {} gt(width, 1) { width := shr(1, add(width, 1)) } {
                let to := nodes
                for { let from := nodes } lt(from, last) {} {
                    let place := mload(from)
                    let hash := mload(add(from, 0x20))
                    from := add(from, 0x40)
                    let other := xor(place, 1)
                    // The last of an odd level goes up as it is.
                    if lt(other, width) {
                        let right := and(place, 1)
                        mstore(add(add(node, 1), shl(5, right)), hash)
                        switch and(lt(from, last), eq(mload(from), other))
                        case 1 {
                            mstore(add(node, 0x21), mload(add(from, 0x20)))
                            from := add(from, 0x40)
                        }
                        default {
                            // Behind the end there are zeros or foreign bytes; the comparison below refuses them.
                            mstore(add(add(node, 1), shl(5, iszero(right))), calldataload(sibling))
                            sibling := add(sibling, 0x20)
                        }
                        hash := keccak256(node, 65)
                    }
                    mstore(to, shr(1, place))
                    mstore(add(to, 0x20), hash)
                    to := add(to, 0x40)
                }
                last := to
            }
            let root := calldataload(add(certificate.offset, 268))
            isRoot := and(eq(sibling, end), eq(mload(add(nodes, 0x20)), root))
        }
    }

    /// Whether all but the absent members have signed the hash.
    function _isSigned(bytes32 hash, bytes calldata certificate, uint256 absent) private view returns (bool) {
        uint256 pairs = _pairs(certificate);
        if (absent == 0) {
            assembly ("memory-safe") {
                calldatacopy(add(pairs, 128), add(certificate.offset, 12), 256)
            }
        } else if (!_subtract(certificate, absent, pairs + 128)) {
            return false;
        }
        _hashToPoint(hash, pairs);
        return _isPaired(pairs);
    }

    /// @notice Whether the one member that the certificate lists has signed both hashes, which must differ. The signature is the sum of
    /// its two: it takes both to make it (aggregate signatures of Boneh, Gentry, Lynn and Shacham 2003).
    function isSignedTwice(bytes32 first, bytes32 second, bytes calldata certificate) internal view returns (bool) {
        uint256 pairs = _pairs(certificate);
        _hashToPoint(first, pairs);
        // Behind the memory that the second hash takes.
        uint256 sum = pairs + 1536;
        assembly ("memory-safe") {
            mstore(0x40, add(sum, 256))
            mcopy(sum, pairs, 128)
        }
        _hashToPoint(second, pairs);
        assembly ("memory-safe") {
            mcopy(add(sum, 128), pairs, 128)
            calldatacopy(add(pairs, 128), add(certificate.offset, 458), 256)
        }
        _compute(G1ADD, sum, 256, pairs, 128);
        return _isPaired(pairs);
    }

    /// Memory for the input of the pairing check, message 128 | key 256 | signature 128 | generator 256, and for as much behind it;
    /// the signature is filled in.
    function _pairs(bytes calldata certificate) private pure returns (uint256 pairs) {
        assembly ("memory-safe") {
            pairs := mload(0x40)
            mstore(0x40, add(pairs, 1536))
            calldatacopy(add(pairs, 384), add(certificate.offset, 300), 128)
        }
    }

    /// Writes the sum of all keys less those of the absent members to `key`; needs 1,152 bytes of
    /// memory from there.
    function _subtract(bytes calldata certificate, uint256 absent, uint256 key) private view returns (bool isPoint) {
        uint256 scratch = key + 640;
        uint256 from;
        assembly ("memory-safe") {
            from := add(certificate.offset, 458)
            calldatacopy(scratch, from, 256)
        }
        isPoint = true;
        unchecked {
            for (uint256 end = from + absent * ABSENT_BYTES; (from += ABSENT_BYTES) < end;) {
                assembly ("memory-safe") {
                    calldatacopy(add(scratch, 256), from, 256)
                }
                isPoint = _attempt(G2ADD, 2 * 600, scratch, 512, scratch, 256) && isPoint;
            }
        }
        assembly ("memory-safe") {
            // Negates both parts of y; zero stays.
            for { let y := add(scratch, 128) } lt(y, add(scratch, 256)) { y := add(y, 0x40) } {
                let high := mload(y)
                let low := mload(add(y, 0x20))
                if or(high, low) {
                    let isBorrowed := gt(low, 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab)
                    mstore(y, sub(sub(0x1a0111ea397fe69a4b1ba7b6434bacd7, high), isBorrowed))
                    mstore(add(y, 0x20), sub(0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab, low))
                }
            }
            calldatacopy(add(scratch, 256), add(certificate.offset, 12), 256)
        }
        return _attempt(G2ADD, 2 * 600, scratch, 512, key, 256) && isPoint;
    }

    /// Writes hash_to_curve of RFC 9380, suite BLS12381G1_XMD:SHA-256_SSWU_RO_, of the hash in the domain of messages to `to`; needs
    /// 1,536 bytes of memory from there, and spares those from 128 to 512.
    function _hashToPoint(bytes32 hash, uint256 to) private view {
        uint256 from = to + 768;
        uint256 reduce = from + 0x60;
        uint256 points = reduce + 0x100;
        // expand_message_xmd: first 64 zeros | hash | 128 as two bytes | 0 | domain | its length.
        assembly ("memory-safe") {
            mstore(from, 0)
            mstore(add(from, 0x20), 0)
            mstore(add(from, 0x40), hash)
            mstore(add(from, 0x60), 0x008000424c535f5349475f424c53313233383147315f584d443a5348412d3235)
            mstore(add(from, 0x80), 0x365f535357555f524f5f504f505f2b0000000000000000000000000000000000)
        }
        _compute(SHA256, from, 143, points, 0x20);
        bytes32 first;
        bytes32 previous;
        assembly ("memory-safe") {
            first := mload(points)
            // Then four times: first hash xor the one before | number | domain | its length.
            mstore(add(from, 0x21), 0x424c535f5349475f424c53313233383147315f584d443a5348412d3235365f53)
            mstore(add(from, 0x41), 0x5357555f524f5f504f505f2b0000000000000000000000000000000000000000)
            // modexp with exponent 1 takes 512 bits modulo p: lengths 64, 1, 64 | number | 1 | p.
            mstore(reduce, 0x40)
            mstore(add(reduce, 0x20), 1)
            mstore(add(reduce, 0x40), 0x40)
            mstore8(add(reduce, 0xa0), 1)
            mstore(add(reduce, 0xa1), 0x000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd7)
            mstore(add(reduce, 0xc1), 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab)
        }
        unchecked {
            for (uint256 half = 0; half < 4; half++) {
                uint256 digest = reduce + 0x60 + 0x20 * (half & 1);
                assembly ("memory-safe") {
                    mstore(from, xor(first, previous))
                    mstore8(add(from, 0x20), add(half, 1))
                }
                _compute(SHA256, from, 77, digest, 0x20);
                assembly ("memory-safe") {
                    previous := mload(digest)
                }
                if (half & 1 == 1) {
                    uint256 point = points + 0x40 * (half - 1);
                    _compute(MODEXP, reduce, 0xe1, point, 0x40);
                    _compute(MAP_FP_TO_G1, point, 0x40, point, 0x80);
                }
            }
        }
        _compute(G1ADD, points, 0x100, to, 0x80);
    }

    /// Whether e(message, key) = e(signature, generator).
    function _isPaired(uint256 pairs) private view returns (bool isPaired) {
        assembly ("memory-safe") {
            // Without a key the equation would hold for a signature that is the point at infinity.
            let generator := add(pairs, 512)
            let bits := 0
            for { let word := add(pairs, 128) } lt(word, add(pairs, 384)) { word := add(word, 0x20) } {
                bits := or(bits, mload(word))
            }
            isPaired := iszero(iszero(bits))
            // The generator's negative.
            mstore(generator, 0x00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051)
            mstore(add(generator, 0x20), 0xc6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8)
            mstore(add(generator, 0x40), 0x0000000000000000000000000000000013e02b6052719f607dacd3a088274f65)
            mstore(add(generator, 0x60), 0x596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e)
            mstore(add(generator, 0x80), 0x000000000000000000000000000000000d1b3cc2c7027888be51d9ef691d77bc)
            mstore(add(generator, 0xa0), 0xb679afda66c73f17f9ee3837a55024f78c71363275a75d75d86bab79f74782aa)
            mstore(add(generator, 0xc0), 0x0000000000000000000000000000000013fa4d4a0ad8b1ce186ed5061789213d)
            mstore(add(generator, 0xe0), 0x993923066dddaf1040bc3ff59f825c78df74f2d75467e25e0f55f8a00fa030ed)
        }
        if (!isPaired || !_attempt(PAIRING_CHECK, 2 * 102900, pairs, 768, 0, 0x20)) return false;
        assembly ("memory-safe") {
            // Without the precompile nothing is returned.
            isPaired := and(eq(returndatasize(), 0x20), eq(mload(0), 1))
        }
    }

    /// Calls a precompile with an input that it takes, so that it can fail for want of gas alone.
    function _compute(uint256 precompile, uint256 from, uint256 length, uint256 to, uint256 size) private view {
        bool success;
        assembly ("memory-safe") {
            success := staticcall(gas(), precompile, from, length, to, size)
        }
        if (!success) revert NotEnoughGas();
    }

    /// Calls a precompile that takes all gas it is given if its input is wrong; twice its price leaves room for a dearer one.
    function _attempt(uint256 precompile, uint256 limit, uint256 from, uint256 length, uint256 to, uint256 size)
        private
        view
        returns (bool success)
    {
        unchecked {
            uint256 left = gasleft();
            if (left - left / 64 < limit + 3000) revert NotEnoughGas();
        }
        assembly ("memory-safe") {
            success := staticcall(limit, precompile, from, length, to, size)
        }
    }

    uint256 private constant SHA256 = 0x02;
    uint256 private constant MODEXP = 0x05;
    uint256 private constant G1ADD = 0x0b;
    uint256 private constant G2ADD = 0x0d;
    uint256 private constant PAIRING_CHECK = 0x0f;
    uint256 private constant MAP_FP_TO_G1 = 0x10;
    /// Version, quorum, epoch, kind.
    uint256 private constant STATEMENT_HEAD = 42;
    /// A statement about a run.
    uint256 private constant MAX_STATEMENT = 186;
    uint256 private constant HEAD = 429;
    uint256 private constant ABSENT_BYTES = 285;
    /// A committee has at most 128 members.
    uint256 private constant MAX_ABSENT = 127;
    uint256 private constant MAX_DEPTH = 7;
}

/// @title Certificates of LazVM's quorums, for contracts that keep the library out of their own code
contract QuorumVerifier {
    /// @notice Tells whether more than two thirds of a committee's weight have signed a statement.
    /// @param committee Root of the committee that may speak; the caller must have it from a source that it trusts.
    /// @param statement Canonical bytes of the statement.
    function verify(bytes32 committee, bytes calldata statement, bytes calldata certificate)
        external
        view
        returns (CertificateStatus)
    {
        return QuorumCertificates.status(committee, statement, certificate);
    }
}
