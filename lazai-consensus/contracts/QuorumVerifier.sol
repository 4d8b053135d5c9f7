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
        if (statement.length < STATEMENT_HEAD || statement.length > MAX_STATEMENT) return CertificateStatus.Malformed;
        if (certificate.length < HEAD) return CertificateStatus.Malformed;
        uint256 absent = uint8(certificate[HEAD - 1]);
        uint256 siblings;
        unchecked {
            uint256 members = HEAD + absent * ABSENT_BYTES;
            if (absent > MAX_ABSENT || certificate.length < members) return CertificateStatus.Malformed;
            siblings = certificate.length - members;
            if (siblings % 32 != 0 || siblings / 32 > absent * MAX_DEPTH) return CertificateStatus.Malformed;
        }
        if (uint8(statement[0]) != 1) return CertificateStatus.UnknownVersion;
        if (_committee(statement, certificate) != committee) return CertificateStatus.OtherCommittee;
        uint256 memory_ = _leaves(certificate, absent);
        if (memory_ == 0) return CertificateStatus.WrongMembers;
        if (!_isQuorum(certificate, absent)) return CertificateStatus.TooLittleWeight;
        if (absent != 0 && !_areMembers(certificate, absent, memory_)) return CertificateStatus.WrongMembers;
        bytes32 hash = keccak256(abi.encodePacked("lazvm/quorum-statement/1", statement));
        return _isSigned(hash, certificate, absent) ? CertificateStatus.Valid : CertificateStatus.WrongSignature;
    }

    /// The root of the committee that the certificate is of.
    function _committee(bytes calldata statement, bytes calldata certificate) private pure returns (bytes32 root) {
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

    /// Writes the place and the hash of each absent member's leaf to memory, 64 bytes each, and returns where; 0 if the
    /// places do not ascend or are none of the committee.
    function _leaves(bytes calldata certificate, uint256 absent) private pure returns (uint256 nodes) {
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

    /// Whether the leaves stand at their places under the root of members.
    function _areMembers(bytes calldata certificate, uint256 absent, uint256 nodes) private pure returns (bool areMembers) {
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
            areMembers := and(eq(sibling, end), eq(mload(add(nodes, 0x20)), root))
        }
    }

    /// Whether all but the absent members have signed the hash.
    function _isSigned(bytes32 hash, bytes calldata certificate, uint256 absent) private view returns (bool isSigned) {
        assembly ("memory-safe") {
            // Calls a precompile with inputs for which it cannot fail but for want of gas.
            function compute(precompile, from, length, to, size) {
                if iszero(staticcall(gas(), precompile, from, length, to, size)) { tooLittle() }
            }
            // Calls a precompile that takes all gas it is given if its input is wrong.
            function attempt(limit, precompile, from, length, to, size) -> success {
                let left := gas()
                if lt(sub(left, shr(6, left)), add(limit, 3000)) { tooLittle() }
                success := staticcall(limit, precompile, from, length, to, size)
            }
            function tooLittle() {
                // NotEnoughGas()
                mstore(0, 0xdd629f8600000000000000000000000000000000000000000000000000000000)
                revert(0, 4)
            }

            // The input of the pairing check: the statement's point 128 | key 256 | signature 128 | generator 256.
            let pairs := mload(0x40)
            let key := add(pairs, 128)
            isSigned := 1

            // The signers' key: that of all less those of the absent.
            switch absent
            case 0 { calldatacopy(key, add(certificate.offset, 12), 256) }
            default {
                let from := add(certificate.offset, 458)
                calldatacopy(key, from, 256)
                for { let end := add(from, mul(absent, 285)) from := add(from, 285) } lt(from, end) { from := add(from, 285) } {
                    calldatacopy(add(key, 256), from, 256)
                    isSigned := and(isSigned, attempt(1200, 0x0d, key, 512, key, 256))
                }
                // Negates both parts of y; zero stays.
                for { let y := add(key, 128) } lt(y, add(key, 256)) { y := add(y, 0x40) } {
                    let high := mload(y)
                    let low := mload(add(y, 0x20))
                    if or(high, low) {
                        let isBorrowed := gt(low, 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab)
                        mstore(y, sub(sub(0x1a0111ea397fe69a4b1ba7b6434bacd7, high), isBorrowed))
                        mstore(add(y, 0x20), sub(0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab, low))
                    }
                }
                calldatacopy(add(key, 256), add(certificate.offset, 12), 256)
                isSigned := and(isSigned, attempt(1200, 0x0d, key, 512, key, 256))
            }

            if isSigned {
                let signature := add(pairs, 384)
                calldatacopy(signature, add(certificate.offset, 300), 128)
                // Neither may be the point at infinity: with both there, the equation says nothing.
                let bits := or(or(mload(signature), mload(add(signature, 0x20))), or(mload(add(signature, 0x40)), mload(add(signature, 0x60))))
                let keyBits := 0
                for { let word := key } lt(word, signature) { word := add(word, 0x20) } { keyBits := or(keyBits, mload(word)) }
                isSigned := and(iszero(iszero(bits)), iszero(iszero(keyBits)))
            }

            if isSigned {
                // hash_to_curve of RFC 9380, BLS12381G1_XMD:SHA-256_SSWU_RO_, in the domain of messages.
                // expand_message_xmd: first 64 zeros | hash | 128 as two bytes | 0 | domain | its length.
                let from := add(pairs, 768)
                mstore(from, 0)
                mstore(add(from, 0x20), 0)
                mstore(add(from, 0x40), hash)
                mstore(add(from, 0x60), 0x008000424c535f5349475f424c53313233383147315f584d443a5348412d3235)
                mstore(add(from, 0x80), 0x365f535357555f524f5f504f505f2b0000000000000000000000000000000000)
                let digest := add(pairs, 0x60)
                compute(2, from, 143, digest, 0x20)
                let first := mload(digest)
                // Then four times: first hash xor the one before | number | domain | its length.
                mstore(add(from, 0x21), 0x424c535f5349475f424c53313233383147315f584d443a5348412d3235365f53)
                mstore(add(from, 0x41), 0x5357555f524f5f504f505f2b0000000000000000000000000000000000000000)
                // modexp with exponent 1 takes 512 bits modulo p: lengths 64, 1, 64 | number | 1 | p.
                let reduce := add(from, 0x60)
                mstore(reduce, 0x40)
                mstore(add(reduce, 0x20), 1)
                mstore(add(reduce, 0x40), 0x40)
                mstore8(add(reduce, 0xa0), 1)
                mstore(add(reduce, 0xa1), 0x000000000000000000000000000000001a0111ea397fe69a4b1ba7b6434bacd7)
                mstore(add(reduce, 0xc1), 0x64774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab)
                let previous := 0
                let points := add(reduce, 0x100)
                for { let turn := 1 } lt(turn, 5) { turn := add(turn, 1) } {
                    mstore(from, xor(first, previous))
                    mstore8(add(from, 0x20), turn)
                    let half := add(reduce, 0x80)
                    if and(turn, 1) { half := add(reduce, 0x60) }
                    compute(2, from, 77, half, 0x20)
                    previous := mload(half)
                    if iszero(and(turn, 1)) {
                        let point := add(points, shl(6, sub(turn, 2)))
                        compute(5, reduce, 0xe1, point, 0x40)
                        // MAP_FP_TO_G1
                        compute(0x10, point, 0x40, point, 0x80)
                    }
                }
                // G1ADD
                compute(0x0b, points, 0x100, pairs, 0x80)

                // e(statement, key) e(signature, -generator) = 1
                let generator := add(pairs, 512)
                mstore(generator, 0x00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051)
                mstore(add(generator, 0x20), 0xc6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8)
                mstore(add(generator, 0x40), 0x0000000000000000000000000000000013e02b6052719f607dacd3a088274f65)
                mstore(add(generator, 0x60), 0x596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e)
                mstore(add(generator, 0x80), 0x000000000000000000000000000000000d1b3cc2c7027888be51d9ef691d77bc)
                mstore(add(generator, 0xa0), 0xb679afda66c73f17f9ee3837a55024f78c71363275a75d75d86bab79f74782aa)
                mstore(add(generator, 0xc0), 0x0000000000000000000000000000000013fa4d4a0ad8b1ce186ed5061789213d)
                mstore(add(generator, 0xe0), 0x993923066dddaf1040bc3ff59f825c78df74f2d75467e25e0f55f8a00fa030ed)
                // PAIRING_CHECK; without the precompile nothing is returned.
                isSigned := attempt(205800, 0x0f, pairs, 768, 0, 0x20)
                isSigned := and(isSigned, and(eq(returndatasize(), 0x20), eq(mload(0), 1)))
            }
        }
    }

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
