// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.19;

/// Checks halo2 proofs under one verifying key of LazVM. Generated: do not edit.
///
{{about}}
contract {{name}} {
    /// Whether `proof` shows the public inputs: the digest of the integers read and written, and the hash of the statement
    /// without its first three bits.
    ///
    /// Only {{proof_bytes}} bytes are a proof, and only numbers below the order of the group are inputs. Reverts if the call brought
    /// too little gas.
    function verify(uint256[2] calldata instance, bytes calldata proof) external view returns (bool) {
        instance;
        proof;
        // The memory is used from its start and without Solidity, which gets no control back.
        assembly {
            let f_q := {{scalar_modulus}}
            function refuse() {
                mstore(0, 0)
                return(0, 0x20)
            }
            // A number below the order of the group.
            function scalar(to, from) {
                let value := calldataload(from)
                if iszero(lt(value, {{scalar_modulus}})) { refuse() }
                mstore(to, value)
            }
            // A point of the curve, and not infinity.
            function point(to, from) {
                let x := calldataload(from)
                let y := calldataload(add(from, 0x20))
                let f_p := {{base_modulus}}
                let cube := mulmod(x, mulmod(x, x, f_p), f_p)
                let valid := eq(mulmod(y, y, f_p), addmod(cube, 3, f_p))
                if iszero(and(valid, and(lt(x, f_p), lt(y, f_p)))) { refuse() }
                mstore(to, x)
                mstore(add(to, 0x20), y)
            }
            // What is called here has valid inputs, so that it fails for want of gas alone.
            function sum(at) {
                if iszero(staticcall(gas(), 0x6, at, 0x80, at, 0x40)) { revert(0, 0) }
            }
            function multiple(at) {
                if iszero(staticcall(gas(), 0x7, at, 0x60, at, 0x40)) { revert(0, 0) }
            }
            function power(to, at) {
                if iszero(staticcall(gas(), 0x5, at, 0xc0, to, 0x20)) { revert(0, 0) }
            }
            function pair(at) {
                if iszero(staticcall(gas(), 0x8, at, 0x180, at, 0x20)) { revert(0, 0) }
                if iszero(mload(at)) { refuse() }
            }
            // The proof stands behind its offset and its length, and nothing behind it.
            if iszero(and(eq(calldatasize(), {{calldata_bytes}}), and(eq(calldataload(0x44), 0x60), eq(calldataload(0x64), {{proof_bytes}})))) { refuse() }
{{body}}
            mstore(0, 1)
            return(0, 0x20)
        }
    }
}
