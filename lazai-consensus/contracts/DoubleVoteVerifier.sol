// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

import {QuorumCertificates} from "./QuorumVerifier.sol";

/// @notice What evidence of a double vote was found to be.
enum DoubleVoteStatus {
    // First, so that what was never set does not pass for proven.
    Malformed,
    Proven,
    // The statements are equal, or answer different questions.
    NoContradiction,
    // The voter is not said to be of the committee with this root, in the statements' quorum and epoch.
    OtherCommittee,
    // The voter is not at this place of the committee.
    WrongMember,
    // The voter has not signed both.
    WrongSignature
}

/// @title Evidence that a member of a quorum has signed two statements in one slot
/// @notice Needs the precompiles of EIP-2537. Nothing that stands in the evidence makes a call revert.
///
/// Bytes of evidence: those of a certificate (QuorumCertificates) with one member listed, the voter, and with the sum of its two
/// signatures.
library DoubleVotes {
    /// @param committee Root of the committee; the caller must have it from a source that it trusts.
    /// @param first Canonical bytes of one statement.
    /// @param second Canonical bytes of the other.
    /// @return result What the evidence is; the other two say whom it convicts, if it is proven.
    function status(bytes32 committee, bytes calldata first, bytes calldata second, bytes calldata evidence)
        internal
        view
        returns (DoubleVoteStatus result, address offender, uint64 weight)
    {
        if (!QuorumCertificates.isWellFormed(first, evidence) || evidence[428] != 0x01) {
            return (DoubleVoteStatus.Malformed, address(0), 0);
        }
        if (!isContradiction(first, second)) return (DoubleVoteStatus.NoContradiction, address(0), 0);
        if (QuorumCertificates.committeeOf(first, evidence) != committee) {
            return (DoubleVoteStatus.OtherCommittee, address(0), 0);
        }
        uint256 leaf = QuorumCertificates.leaves(evidence, 1);
        if (leaf == 0 || !QuorumCertificates.areMembers(evidence, 1, leaf)) {
            return (DoubleVoteStatus.WrongMember, address(0), 0);
        }
        offender = address(bytes20(evidence[430:]));
        weight = uint64(bytes8(evidence[450:]));
        bool isSigned = QuorumCertificates.isSignedTwice(
            QuorumCertificates.hashOf(first), QuorumCertificates.hashOf(second), evidence
        );
        result = isSigned ? DoubleVoteStatus.Proven : DoubleVoteStatus.WrongSignature;
    }

    /// @notice Whether two statements are canonical, answer the same question, and differ.
    function isContradiction(bytes calldata first, bytes calldata second) internal pure returns (bool) {
        unchecked {
            if (first.length != second.length || first.length < 42) return false;
            if (first[0] != 0x01 || keccak256(first) == keccak256(second)) return false;
            (uint256 length, uint256 head, uint256 from, uint256 to) = _question(uint8(first[41]));
            if (first.length != length || keccak256(first[:head]) != keccak256(second[:head])) return false;
            if (first[41] == 0x0a && (uint8(first[74]) > 1 || uint8(second[74]) > 1)) return false;
            return keccak256(first[from:to]) == keccak256(second[from:to]);
        }
    }

    /// Bytes of a statement of this kind, and which of them are the question: those before `head`, and from `from` to `to`. Length
    /// zero if two different statements of the kind never contradict each other.
    function _question(uint8 kind) private pure returns (uint256 length, uint256 head, uint256 from, uint256 to) {
        // Available: data set, version | root, bytes, k, n, until epoch.
        if (kind == 1) return (134, 82, 0, 0);
        // Valid: data set, version | root | policy | score.
        if (kind == 2) return (148, 82, 114, 146);
        // Workflow: model, input | output, work | context.
        if (kind == 3) return (186, 106, 154, 186);
        // Audit: | beacon, passed, failed, how many.
        if (kind == 4) return (140, 42, 0, 0);
        // HandOver: next epoch | committee.
        if (kind == 7) return (82, 50, 0, 0);
        // SeatNomination: epoch of the chain, seat | operator, key.
        if (kind == 8) return (106, 54, 0, 0);
        // Checkpoint: height | state root.
        if (kind == 9) return (82, 50, 0, 0);
        // Decision: proposal | approved.
        if (kind == 10) return (75, 74, 0, 0);
        return (0, 0, 0, 0);
    }
}

/// @title Evidence of double votes, for contracts that keep the library out of their own code
contract DoubleVoteVerifier {
    /// @notice Tells whether a member of a committee has signed two statements in one slot, and who with what weight.
    /// @param committee Root of the committee; the caller must have it from a source that it trusts.
    /// @param first Canonical bytes of one statement.
    /// @param second Canonical bytes of the other.
    function verify(bytes32 committee, bytes calldata first, bytes calldata second, bytes calldata evidence)
        external
        view
        returns (DoubleVoteStatus status, address offender, uint64 weight)
    {
        return DoubleVotes.status(committee, first, second, evidence);
    }
}
