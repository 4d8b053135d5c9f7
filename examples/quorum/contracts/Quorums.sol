// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.20;

import {LazAI} from "lazai-precompiles/solidity/LazAI.sol";

/// @title What quorums have certified, and what their members stand to lose
contract Quorums {
    /// @notice Wei that a member has staked, by committee.
    mapping(bytes32 committee => mapping(address member => uint256 wei_)) public stakeOf;

    /// @notice Whether a committee has certified a statement, by the hash of its bytes.
    mapping(bytes32 committee => mapping(bytes32 statement => bool)) public isCertified;

    /// @notice A committee may speak from now on.
    event Enrolled(bytes32 indexed committee);

    /// @notice A member has staked.
    event Staked(bytes32 indexed committee, address indexed member, uint256 wei_);

    /// @notice A statement is certified; its kind is the byte that stands for it.
    event Certified(bytes32 indexed committee, bytes32 indexed statement, uint8 kind);

    /// @notice A member has failed a certified audit, and lost its stake.
    event Slashed(bytes32 indexed committee, address indexed member, uint256 wei_);

    error NotCertified();
    error NotAnAudit();
    error NotListed();
    error NoStake();

    /// @notice Lets a committee speak; its name is that of the verifying key that its roster is.
    /// @param roster The members with their proofs of possession, which are checked.
    function enroll(bytes calldata roster) external returns (bytes32 committee) {
        committee = LazAI.PROOF_VERIFIER.register(QUORUM, roster);
        emit Enrolled(committee);
    }

    /// @notice Stakes wei as a member of a committee.
    function stake(bytes32 committee) external payable {
        stakeOf[committee][msg.sender] += msg.value;
        emit Staked(committee, msg.sender, msg.value);
    }

    /// @notice Keeps that a committee has certified a statement; anyone may bring the certificate.
    function certify(bytes32 committee, bytes calldata statement, bytes calldata certificate) external {
        if (!LazAI.PROOF_VERIFIER.verifyValues(QUORUM, committee, statement, certificate)) revert NotCertified();
        bytes32 name = keccak256(statement);
        isCertified[committee][name] = true;
        emit Certified(committee, name, uint8(statement[KIND]));
    }

    /// @notice Takes the stake of a member that a certified audit lists as failed; anyone may ask for it.
    /// @param index The place of the member among those that failed.
    /// @param path From it to the root of those that failed.
    function slash(
        bytes32 committee,
        bytes calldata statement,
        address member,
        uint256 index,
        bytes32[] calldata path
    ) external {
        if (!isCertified[committee][keccak256(statement)]) revert NotCertified();
        if (uint8(statement[KIND]) != AUDIT) revert NotAnAudit();
        bytes32 failed = bytes32(statement[FAILED:FAILED + 32]);
        uint256 count = uint16(bytes2(statement[FAILED + 32:FAILED + 34]));
        if (!isListed(failed, member, index, count, path)) revert NotListed();
        uint256 lost = stakeOf[committee][member];
        if (lost == 0) revert NoStake();
        stakeOf[committee][member] = 0;
        // Nobody gets it, so that nobody gains by a false accusation.
        payable(address(0)).transfer(lost);
        emit Slashed(committee, member, lost);
    }

    function isListed(bytes32 root, address member, uint256 index, uint256 count, bytes32[] calldata path)
        private
        pure
        returns (bool)
    {
        if (index >= count) return false;
        bytes32 hash = keccak256(abi.encodePacked(uint8(0), member));
        uint256 next = 0;
        for (uint256 width = count; width > 1; width = (width + 1) / 2) {
            // The last of an odd level has no sibling.
            if ((index ^ 1) < width) {
                if (next == path.length) return false;
                bytes32 sibling = path[next++];
                hash = index % 2 == 0
                    ? keccak256(abi.encodePacked(uint8(1), hash, sibling))
                    : keccak256(abi.encodePacked(uint8(1), sibling, hash));
            }
            index /= 2;
        }
        return next == path.length && hash == root;
    }

    /// The proof system of certificates.
    uint32 private constant QUORUM = 0;
    /// Where the kind of a statement stands: behind version, quorum and epoch.
    uint256 private constant KIND = 1 + 32 + 8;
    /// Where an audit names those that failed: behind the beacon and those that passed.
    uint256 private constant FAILED = KIND + 1 + 32 + 32;
    uint8 private constant AUDIT = 4;
}
