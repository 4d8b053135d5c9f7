// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.25;

import {ILazProofVerifier, LazAI, Statement} from "lazai-precompiles/solidity/LazAI.sol";
import {CertificateStatus, QuorumVerifier} from "lazai-consensus/contracts/QuorumVerifier.sol";

/// @notice Who looks at a proof.
enum Checker {
    /// The precompile of LazVM.
    Precompile,
    /// The contract `QuorumVerifier`, on any chain with EIP-2537.
    QuorumContract
}

/// @notice A kind of proof that someone takes.
struct Acceptance {
    /// Who looks at the proof.
    Checker checker;
    /// The proof system, as the precompile numbers it. The contract knows 0 alone, certificates of quorums.
    uint32 system;
    /// For the precompile, the hash of a registered key. For the contract, the root of a committee.
    bytes32 key;
}

/// @notice What an acceptance asks for is not on this chain.
error CheckerMissing(Checker checker);
/// @notice The contract checks certificates of quorums only.
error CheckerUnsuited(Checker checker, uint32 system);
/// @notice The precompile failed without saying why; most likely it was given too little gas.
error ProofCheckFailed();

/// @title Checks proofs where they can be checked
/// @notice A wrong proof gives false. What the precompile reverts with is passed on.
library LazProofs {
    /// @notice Reverts if this kind of proof can be checked on no chain, or not by this contract.
    function validate(Acceptance calldata acceptance, address quorumVerifier) internal pure {
        if (acceptance.checker != Checker.QuorumContract) return;
        if (acceptance.system != 0) revert CheckerUnsuited(acceptance.checker, acceptance.system);
        if (quorumVerifier == address(0)) revert CheckerMissing(acceptance.checker);
    }

    /// @notice Whether a proof shows a run. For the contract it is quorum 32 | epoch 8 | certificate.
    function shows(
        Acceptance calldata acceptance,
        address quorumVerifier,
        Statement memory statement,
        bytes calldata proof
    ) internal view returns (bool) {
        if (acceptance.checker == Checker.Precompile) {
            return _ask(
                abi.encodeCall(ILazProofVerifier.verify, (acceptance.system, acceptance.key, statement, proof))
            );
        }
        if (proof.length < COMMITTEE_BYTES) return false;
        bytes memory attestation = abi.encodePacked(
            uint8(1),
            proof[:COMMITTEE_BYTES],
            WORKFLOW,
            statement.model,
            statement.input,
            statement.output,
            statement.flops,
            statement.peakBytes,
            statement.context
        );
        return _certifies(acceptance, quorumVerifier, attestation, proof[COMMITTEE_BYTES:]);
    }

    /// @notice Whether a proof shows values: for a quorum, the canonical bytes of an attestation.
    function showsValues(
        Acceptance calldata acceptance,
        address quorumVerifier,
        bytes calldata values,
        bytes calldata proof
    ) internal view returns (bool) {
        if (acceptance.checker == Checker.Precompile) {
            return _ask(
                abi.encodeCall(ILazProofVerifier.verifyValues, (acceptance.system, acceptance.key, values, proof))
            );
        }
        return _certifies(acceptance, quorumVerifier, values, proof);
    }

    /// Calls by hand, because the precompile has no code that Solidity could look for.
    function _ask(bytes memory call) private view returns (bool isValid) {
        (bool success, bytes memory result) = address(LazAI.PROOF_VERIFIER).staticcall(call);
        if (!success) {
            if (result.length == 0) revert ProofCheckFailed();
            assembly ("memory-safe") {
                revert(add(result, 0x20), mload(result))
            }
        }
        // An account without code answers with nothing.
        if (result.length != 32) revert CheckerMissing(Checker.Precompile);
        return abi.decode(result, (bool));
    }

    function _certifies(
        Acceptance calldata acceptance,
        address quorumVerifier,
        bytes memory attestation,
        bytes calldata certificate
    ) private view returns (bool) {
        if (acceptance.system != 0) revert CheckerUnsuited(acceptance.checker, acceptance.system);
        if (quorumVerifier == address(0)) revert CheckerMissing(acceptance.checker);
        CertificateStatus status = QuorumVerifier(quorumVerifier).verify(acceptance.key, attestation, certificate);
        return status == CertificateStatus.Valid;
    }

    /// The kind of the attestation that signers have run a job again.
    uint8 private constant WORKFLOW = 3;
    /// Quorum and epoch.
    uint256 private constant COMMITTEE_BYTES = 40;
}
