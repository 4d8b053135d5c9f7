use alloc::{collections::BTreeMap, string::String};

use super::{RequestError, limits};
use crate::Sampling;

/// The parameters that choose tokens, as chat and completion requests share them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct SamplingParameters<'a> {
    pub(super) temperature: Option<f32>,
    pub(super) top_p: Option<f32>,
    pub(super) top_k: Option<u32>,
    pub(super) seed: Option<i64>,
    pub(super) frequency_penalty: Option<f32>,
    pub(super) presence_penalty: Option<f32>,
    pub(super) logit_bias: Option<&'a BTreeMap<String, i16>>,
}

impl SamplingParameters<'_> {
    /// Checks that every value is finite and in its documented range.
    pub(super) fn validate(&self) -> Result<(), RequestError> {
        milli("temperature", self.temperature, 0, limits::MAX_TEMPERATURE_MILLI)?;
        milli("top_p", self.top_p, 0, limits::MAX_TOP_P_MILLI)?;
        let penalty = limits::MAX_PENALTY_MILLI;
        milli("frequency_penalty", self.frequency_penalty, penalty, penalty)?;
        milli("presence_penalty", self.presence_penalty, penalty, penalty)?;
        self.logit_bias.map_or(Ok(()), validate_bias)
    }

    /// Converts the parameters to the integers that a coprocessor reads.
    pub(super) fn sampling(&self) -> Result<Sampling, RequestError> {
        self.validate()?;
        let penalties = [
            ("frequency_penalty", self.frequency_penalty),
            ("presence_penalty", self.presence_penalty),
        ];
        for (parameter, penalty) in penalties {
            if penalty.is_some_and(|penalty| penalty != 0.0) {
                return Err(RequestError::Unsupported { parameter });
            }
        }
        if self.logit_bias.is_some_and(|bias| bias.values().any(|bias| *bias != 0)) {
            return Err(RequestError::Unsupported { parameter: "logit_bias" });
        }
        let temperature = milli("temperature", self.temperature, 0, limits::MAX_TEMPERATURE_MILLI)?;
        let top_p = milli("top_p", self.top_p, 0, limits::MAX_TOP_P_MILLI)?;
        Ok(Sampling {
            temperature_milli: temperature.unwrap_or(DEFAULT_TEMPERATURE_MILLI),
            top_k: self.top_k.unwrap_or(0),
            // A share of nothing still takes the best token, whereas 0 would mean all of them.
            top_p_milli: top_p.map_or(0, |top_p| top_p.max(1)),
            seed: self.seed.unwrap_or(0).cast_unsigned(),
        })
    }
}

/// Returns the magnitude of a number in thousandths, rounded to the nearest, if it is from `-below`
/// to `above`.
fn milli(
    parameter: &'static str,
    value: Option<f32>,
    below: u32,
    above: u32,
) -> Result<Option<u32>, RequestError> {
    let Some(value) = value else { return Ok(None) };
    if !value.is_finite() {
        return Err(RequestError::NotFinite { parameter });
    }
    // Exact: a 24-bit mantissa times a 10-bit number has at most 34 bits.
    let scaled = f64::from(value) * 1_000.0;
    if scaled < -f64::from(below) || scaled > f64::from(above) {
        return Err(RequestError::OutOfRangeMilli {
            parameter,
            got_milli: away_from_zero(scaled),
            min_milli: -i64::from(below),
            max_milli: above.into(),
        });
    }
    Ok(Some(nearest(if scaled < 0.0 { -scaled } else { scaled })))
}

// Float casts saturate, and the number is known to be small and not negative.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
const fn nearest(scaled: f64) -> u32 {
    (scaled + 0.5) as u32
}

// Float casts saturate, which is right for an error that tells a person what was sent.
#[allow(clippy::cast_possible_truncation)]
fn away_from_zero(scaled: f64) -> i64 {
    let truncated = scaled as i64;
    let is_whole = scaled == truncated as f64;
    if is_whole { truncated } else { truncated.saturating_add(if scaled < 0.0 { -1 } else { 1 }) }
}

fn validate_bias(bias: &BTreeMap<String, i16>) -> Result<(), RequestError> {
    super::request_error::bound("logit_bias", bias.len(), limits::MAX_LOGIT_BIAS)?;
    let max = limits::MAX_LOGIT_BIAS_VALUE;
    match bias.values().find(|value| value.unsigned_abs() > max.unsigned_abs()) {
        None => Ok(()),
        Some(value) => Err(RequestError::OutOfRange {
            parameter: "logit_bias",
            got: (*value).into(),
            min: -i64::from(max),
            max: max.into(),
        }),
    }
}

/// What the API documents for a request that does not say.
const DEFAULT_TEMPERATURE_MILLI: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn sampling(temperature: f32, top_p: f32) -> Result<Sampling, RequestError> {
        SamplingParameters {
            temperature: Some(temperature),
            top_p: Some(top_p),
            ..SamplingParameters::default()
        }
        .sampling()
    }

    #[test]
    fn thousandths_are_exact() {
        for milli in 0..=2_000_u16 {
            let sampling = sampling(f32::from(milli) / 1_000.0, 1.0).unwrap();
            assert_eq!(sampling.temperature_milli, u32::from(milli));
        }
        for milli in 1..=1_000_u16 {
            let sampling = sampling(1.0, f32::from(milli) / 1_000.0).unwrap();
            assert_eq!(sampling.top_p_milli, u32::from(milli));
        }
    }

    #[test]
    fn absent_parameters_take_the_documented_defaults() {
        let sampling = SamplingParameters::default().sampling().unwrap();
        assert_eq!(
            sampling,
            Sampling { temperature_milli: 1_000, top_k: 0, top_p_milli: 0, seed: 0 }
        );
    }

    #[test]
    fn a_share_of_nothing_is_not_everything() {
        assert_eq!(sampling(1.0, 0.0).unwrap().top_p_milli, 1);
        assert_eq!(sampling(1.0, 0.000_1).unwrap().top_p_milli, 1);
    }

    #[test]
    fn negative_zero_is_zero() {
        assert_eq!(sampling(-0.0, 1.0).unwrap().temperature_milli, 0);
    }

    #[test]
    fn odd_floats_are_refused() {
        for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let expected = RequestError::NotFinite { parameter: "temperature" };
            assert_eq!(sampling(value, 1.0), Err(expected));
            let expected = RequestError::NotFinite { parameter: "top_p" };
            assert_eq!(sampling(1.0, value), Err(expected));
        }
        for (value, got_milli) in [
            (-0.25, -250),
            (2.5, 2_500),
            (2.000_1, 2_001),
            (-f32::MIN_POSITIVE, -1),
            (f32::MAX, i64::MAX),
            (f32::MIN, i64::MIN),
        ] {
            let expected = RequestError::OutOfRangeMilli {
                parameter: "temperature",
                got_milli,
                min_milli: 0,
                max_milli: 2_000,
            };
            assert_eq!(sampling(value, 1.0), Err(expected), "{value}");
        }
        assert!(matches!(
            sampling(1.0, 1.01),
            Err(RequestError::OutOfRangeMilli { parameter: "top_p", got_milli: 1_010, .. })
        ));
    }

    #[test]
    fn every_seed_is_its_own() {
        let seed = |seed| {
            SamplingParameters { seed: Some(seed), ..SamplingParameters::default() }
                .sampling()
                .unwrap()
                .seed
        };
        assert_eq!(seed(0), 0);
        assert_eq!(seed(i64::MAX), i64::MAX.unsigned_abs());
        assert_eq!(seed(-1), u64::MAX);
    }

    #[test]
    fn what_would_be_ignored_is_refused() {
        let zero = SamplingParameters {
            presence_penalty: Some(0.0),
            frequency_penalty: Some(-0.0),
            ..SamplingParameters::default()
        };
        assert!(zero.sampling().is_ok());
        let presence = SamplingParameters { presence_penalty: Some(0.5), ..zero };
        assert!(presence.validate().is_ok());
        assert_eq!(
            presence.sampling(),
            Err(RequestError::Unsupported { parameter: "presence_penalty" })
        );
        let out = SamplingParameters { frequency_penalty: Some(-2.5), ..zero };
        assert!(matches!(
            out.validate(),
            Err(RequestError::OutOfRangeMilli { got_milli: -2_500, min_milli: -2_000, .. })
        ));
        let bias = BTreeMap::from([(String::from("42"), 5)]);
        let biased = SamplingParameters { logit_bias: Some(&bias), ..zero };
        assert!(biased.validate().is_ok());
        assert_eq!(biased.sampling(), Err(RequestError::Unsupported { parameter: "logit_bias" }));
        let bias = BTreeMap::from([(String::from("42"), -101)]);
        let biased = SamplingParameters { logit_bias: Some(&bias), ..zero };
        assert!(matches!(
            biased.validate(),
            Err(RequestError::OutOfRange { parameter: "logit_bias", got: -101, .. })
        ));
    }
}
