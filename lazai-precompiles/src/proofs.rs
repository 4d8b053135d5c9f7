use alloc::format;

use alloy_primitives::{B256, Bytes, Log};
use alloy_sol_types::{SolCall, SolEvent};
use lazai_api_types::{
    GuardedVerifier, InvalidKey, ProofSystemId, RegistryError, Rejection, Work, key_hash,
};

use crate::{
    Call, ChainState,
    abi::ILazProofVerifier as sol,
    address,
    keys::{self, ACCESS_GAS, Slot},
    meter::{Meter, Stop, internal, reading_work},
    price,
    proof_request::{OwnedClaim, ProofQuery, ProofRequest},
    revert::RevertReason,
};

/// One call of the proof verifier, for a system that has a verifier.
#[derive(Debug)]
pub(crate) struct Proofs<'a> {
    system: ProofSystemId,
    verifier: GuardedVerifier<'a>,
    call: &'a Call<'a>,
}

impl<'a> Proofs<'a> {
    pub(crate) fn answer(
        verifier: GuardedVerifier<'a>,
        call: &'a Call<'a>,
        request: ProofRequest<'_>,
        meter: &mut Meter<'_>,
        state: &mut dyn ChainState,
    ) -> Result<Bytes, Stop> {
        let ProofRequest { system, query } = request;
        let this = Self { system, verifier, call };
        let output = match query {
            ProofQuery::IsRegistered { key_hash } => {
                let key = this.key(key_hash, meter, state)?;
                sol::isRegisteredCall::abi_encode_returns(&key.is_some())
            }
            ProofQuery::Key { key_hash } => {
                let key = this.key(key_hash, meter, state)?.ok_or(this.unknown(key_hash))?;
                meter.charge_evm(keys::copy_gas(key.len() as u64))?;
                sol::keyCall::abi_encode_returns(&key)
            }
            ProofQuery::Quote { key_bytes, values_bytes, proof_bytes } => {
                let work = this.verifying(key_bytes, values_bytes, proof_bytes)?;
                let price = price::price(call, work)?;
                sol::quoteCall::abi_encode_returns(&sol::quoteReturn { price, gasEvm: ACCESS_GAS })
            }
            ProofQuery::QuoteRegister { key_bytes } => {
                let price = price::price(call, this.verifying(key_bytes, 0, 0)?)?;
                let gas = ACCESS_GAS.saturating_add(keys::store_gas(key_bytes));
                sol::quoteRegisterCall::abi_encode_returns(&sol::quoteRegisterReturn {
                    price,
                    gasEvm: gas,
                })
            }
            ProofQuery::Register { key } => {
                let hash = this.register(key, meter, state)?;
                sol::registerCall::abi_encode_returns(&hash)
            }
            ProofQuery::Verify { key_hash, claim, proof } => {
                let valid = this.verify(key_hash, &claim, proof, meter, state)?;
                sol::verifyCall::abi_encode_returns(&valid)
            }
        };
        Ok(output.into())
    }

    /// Stores a key that the verifier admits, unless it is there.
    fn register(
        &self,
        key: &[u8],
        meter: &mut Meter<'_>,
        state: &mut dyn ChainState,
    ) -> Result<B256, Stop> {
        if self.call.is_static {
            return Err(RevertReason::StaticCall.into());
        }
        let key_bytes = key.len() as u64;
        let admitting = self.verifying(key_bytes, 0, 0)?;
        meter.charge(reading_work(key_bytes))?;
        meter.charge_evm(ACCESS_GAS)?;
        let hash = key_hash(self.system, key);
        match keys::load(state, hash)? {
            Slot::Key(stored) if *stored == *key => return Ok(hash),
            Slot::Free => {}
            // Two keys or a key and a contract whose hashes end in the same 160 bits.
            Slot::Key(_) | Slot::Occupied => {
                let address = keys::key_address(hash);
                return Err(RevertReason::KeyAddressTaken { address }.into());
            }
        }
        meter.charge(admitting)?;
        self.verifier.admit(key).map_err(|error| match error {
            RegistryError::InvalidKey(InvalidKey { code, .. }) => {
                RevertReason::InvalidVerifyingKey { system: self.system, code }.into()
            }
            error => Stop::from(error),
        })?;
        meter.charge_evm(keys::store_gas(key_bytes))?;
        keys::store(state, hash, key)?;
        let event = sol::VerifyingKeyRegistered {
            system: self.system.0,
            keyHash: hash,
            registrant: self.call.caller,
        };
        state.log(Log { address: address::PROOF_VERIFIER, data: event.encode_log_data() });
        Ok(hash)
    }

    fn verify(
        &self,
        key_hash: B256,
        claim: &OwnedClaim<'_>,
        proof: &[u8],
        meter: &mut Meter<'_>,
        state: &mut dyn ChainState,
    ) -> Result<bool, Stop> {
        meter.charge_evm(ACCESS_GAS)?;
        let Slot::Key(key) = keys::load(state, key_hash)? else {
            return Err(self.unknown(key_hash).into());
        };
        let (key_bytes, values_bytes) = (key.len() as u64, claim.values_bytes());
        let proof_bytes = proof.len() as u64;
        meter.charge(match self.verifying(key_bytes, values_bytes, proof_bytes) {
            // The verifier does not see what is too long; looking for its key is all that is done.
            Err(Stop::Revert(RevertReason::InputTooLong { .. })) => {
                reading_work(key_bytes.saturating_add(values_bytes).saturating_add(proof_bytes))
            }
            work => work?,
        })?;
        if !keys::matches(self.system, &key, key_hash) {
            return Err(self.unknown(key_hash).into());
        }
        // A verdict steers the caller, so it is the real one even in a simulation.
        self.verifier.verify(&key, claim.as_claim(), proof).map_err(Stop::Fault)
    }

    /// Returns the key with this hash, checked, if it is registered.
    fn key(
        &self,
        key_hash: B256,
        meter: &mut Meter<'_>,
        state: &mut dyn ChainState,
    ) -> Result<Option<Bytes>, Stop> {
        meter.charge_evm(ACCESS_GAS)?;
        let Slot::Key(key) = keys::load(state, key_hash)? else { return Ok(None) };
        meter.charge(reading_work(key.len() as u64))?;
        Ok(keys::matches(self.system, &key, key_hash).then_some(key))
    }

    /// Returns the work of finding a key and checking a proof under it; that of admitting a key if
    /// there is no proof.
    fn verifying(&self, key_bytes: u64, values_bytes: u64, proof_bytes: u64) -> Result<Work, Stop> {
        let work = self.verifier.work(key_bytes, proof_bytes)?;
        let read = reading_work(key_bytes.saturating_add(values_bytes));
        Ok(read.then(work).map_err(|_| RevertReason::Rejected(Rejection::WorkOverflow))?)
    }

    const fn unknown(&self, key_hash: B256) -> RevertReason {
        RevertReason::UnknownVerifyingKey { system: self.system, key_hash }
    }
}

impl From<RegistryError> for Stop {
    fn from(error: RegistryError) -> Self {
        use RegistryError as E;
        Self::Revert(match error {
            E::Fault(fault) => return Self::Fault(fault),
            E::KeyTooLong { got, max } | E::ProofTooLong { got, max } => {
                RevertReason::InputTooLong { got, max }
            }
            E::UnknownKey { system, key_hash } => {
                RevertReason::UnknownVerifyingKey { system, key_hash }
            }
            E::UnknownSystem { system } => RevertReason::UnknownProofSystem { system },
            other => {
                return internal(&format!("an unforeseen refusal: {other}"));
            }
        })
    }
}
