use alloy_primitives::{Bytes, U256};
use alloy_sol_types::{SolCall, SolValue};
use lazai_api_types::{GasCost, Rejection, Work, WorkOverflow};

use crate::{
    Call, ResourcePrices,
    abi::{ILazQuote, Price},
    meter::Stop,
    revert::RevertReason,
};

/// Returns the price of `work` in this block, as Solidity reads it.
pub(crate) fn encode_price(call: &Call<'_>, work: Work) -> Result<Bytes, Stop> {
    Ok(price(call, work)?.abi_encode().into())
}

/// Returns the price of `work` in this block.
pub(crate) fn price(call: &Call<'_>, work: Work) -> Result<Price, Stop> {
    let overflow = |_: WorkOverflow| RevertReason::Rejected(Rejection::WorkOverflow);
    let cost = call.pricing.gas(&work).map_err(overflow)?;
    let total = cost.total().map_err(overflow)?;
    let GasCost { gas_ai, gas_inference } = cost;
    let price_wei = U256::from(call.prices.header);
    Ok(Price {
        flops: work.flops,
        peakBytes: work.peak_bytes,
        gasAI: gas_ai,
        gasInference: gas_inference,
        priceWei: price_wei,
        // 128 bits times 64 bits.
        feeWei: price_wei * U256::from(total),
    })
}

/// Returns the prices of this block, as Solidity reads them.
pub(crate) fn encode_prices(prices: &ResourcePrices) -> Bytes {
    ILazQuote::pricesCall::abi_encode_returns(&ILazQuote::pricesReturn {
        evm: U256::from(prices.evm),
        ai: U256::from(prices.ai),
        inference: U256::from(prices.inference),
        header: U256::from(prices.header),
    })
    .into()
}
