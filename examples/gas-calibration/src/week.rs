//! A week of blocks under the three base fees: integers alone, so that the picture is the same
//! everywhere.

use core::fmt::Write;

use lazai_gas::{FeeMarket, LimitExceeded, Resources};

/// What happened in [`BLOCKS_OF_A_SAMPLE`] blocks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Sample {
    /// The highest base fees, in wei.
    pub(crate) fees: Resources<u128>,
    /// Mean gas of a block.
    pub(crate) used: Resources<u64>,
}

/// A time of the week at which demand is unusual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Episode {
    pub(crate) name: &'static str,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// Simulates the default market from a base fee of 1 gwei.
///
/// What users ask for follows the hour and chance, and halves where the price doubles; an attacker
/// pays any price. Blocks that are asked for more than their limit leave all out in proportion.
pub(crate) fn simulate() -> Result<Vec<Sample>, LimitExceeded> {
    let mut market = FeeMarket::uniform(LIMIT, GWEI);
    let mut random = Random(7);
    let blocks: Vec<u64> = (0..BLOCKS_OF_A_WEEK).collect();
    let samples = blocks.chunks(BLOCKS_OF_A_SAMPLE as usize).map(|blocks| {
        let (mut fees, mut used) = (Resources::uniform(0), Resources::uniform(0));
        for block in blocks {
            let now = market.base_fees();
            fees = fees.zip(now).map(|(highest, fee): (u128, u128)| highest.max(fee));
            let gas = block_of(*block, &now, &mut random);
            market = market.settle(&gas)?;
            used = used.zip(gas).map(|(sum, gas): (u64, u64)| sum + gas);
        }
        let used = used.map(|sum| sum / blocks.len() as u64);
        Ok(Sample { fees, used })
    });
    samples.collect()
}

/// The fees at the highest, and at the end.
pub(crate) fn summary(samples: &[Sample]) -> String {
    let mut out = String::new();
    for Episode { name, from, to } in EPISODES {
        let from = (from / BLOCKS_OF_A_SAMPLE) as usize;
        let to = (to.div_ceil(BLOCKS_OF_A_SAMPLE) as usize + 1).min(samples.len());
        let highest = samples[from..to].iter().fold(Resources::uniform(0), |highest, sample| {
            highest.zip(sample.fees).map(|(highest, fee): (u128, u128)| highest.max(fee))
        });
        let _ = writeln!(out, "{name:<28} {}", gwei(&highest));
    }
    if let Some(last) = samples.last() {
        let _ = writeln!(out, "{:<28} {}", "the end of the week", gwei(&last.fees));
    }
    out
}

/// Gas of block `block`, at base fees `fees`.
fn block_of(block: u64, fees: &Resources<u128>, random: &mut Random) -> Resources<u64> {
    let [popular, memory, attack] = EPISODES.map(|episode| episode.is_at(block));
    if attack {
        let third = LIMIT / 3;
        return Resources { evm: LIMIT - 2 * third, ai: third, inference: third };
    }
    let wanted = Resources {
        evm: 12_000_000,
        ai: if popular { 24_000_000 } else { 3_000_000 },
        inference: if memory { 12_000_000 } else { 600_000 },
    };
    let asked = wanted.zip(*fees).map(|(gas, fee)| {
        let gas = gas * day(block) / 1_000 * random.thousandths(750, 1_250) / 1_000;
        u64::try_from(u128::from(gas) * GWEI / fee.max(1)).unwrap_or(u64::MAX).min(LIMIT)
    });
    let sum = asked.evm + asked.ai + asked.inference;
    if sum <= LIMIT {
        return asked;
    }
    asked.map(|gas| gas * (LIMIT / 1_000) / sum * 1_000)
}

/// How lively the hour of a block is, in thousandths: 600 at midnight, 1,400 at noon.
const fn day(block: u64) -> u64 {
    let time = block % BLOCKS_OF_A_DAY;
    600 + 800 * 4 * time * (BLOCKS_OF_A_DAY - time) / (BLOCKS_OF_A_DAY * BLOCKS_OF_A_DAY)
}

fn gwei(fees: &Resources<u128>) -> String {
    let Resources { evm, ai, inference } = fees.map(|fee| {
        let hundredths = (fee + GWEI / 200) / (GWEI / 100);
        format!("{}.{:02}", hundredths / 100, hundredths % 100)
    });
    format!("evm {evm}, ai {ai}, inference {inference} gwei")
}

impl Episode {
    const fn is_at(&self, block: u64) -> bool {
        block >= self.from && block < self.to
    }
}

/// `SplitMix64`.
struct Random(u64);

impl Random {
    const fn thousandths(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        least + (mixed ^ (mixed >> 31)) % (most - least + 1)
    }
}

pub(crate) const EPISODES: [Episode; 3] = [
    Episode {
        name: "everyone asks one model",
        from: BLOCKS_OF_A_DAY + BLOCKS_OF_A_DAY / 2,
        to: 2 * BLOCKS_OF_A_DAY + BLOCKS_OF_A_DAY / 2,
    },
    Episode {
        name: "long contexts need memory",
        from: 4 * BLOCKS_OF_A_DAY,
        to: 4 * BLOCKS_OF_A_DAY + BLOCKS_OF_A_DAY / 2,
    },
    Episode {
        name: "30 full blocks in equal parts",
        from: 5 * BLOCKS_OF_A_DAY + BLOCKS_OF_A_DAY / 2,
        to: 5 * BLOCKS_OF_A_DAY + BLOCKS_OF_A_DAY / 2 + 30,
    },
];
pub(crate) const LIMIT: u64 = 30_000_000;
pub(crate) const GWEI: u128 = 1_000_000_000;
/// Blocks of twelve seconds.
pub(crate) const BLOCKS_OF_A_DAY: u64 = 7_200;
const BLOCKS_OF_A_WEEK: u64 = 7 * BLOCKS_OF_A_DAY;
/// Twenty minutes.
pub(crate) const BLOCKS_OF_A_SAMPLE: u64 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fees_part_under_demand_and_come_together_again() {
        let samples = simulate().unwrap();
        assert_eq!(samples.len(), 504);
        let at = |block: u64| samples[(block / BLOCKS_OF_A_SAMPLE) as usize].fees;
        let [popular, memory, attack] = EPISODES;
        let before = at(popular.from - 200);
        assert_eq!(before, Resources::uniform(before.evm), "without surcharges there is one fee");
        let busy = at(popular.to - 200);
        assert!(busy.ai > busy.evm * 3 / 2 && busy.inference == busy.evm, "{busy:?}");
        let busy = at(memory.to - 200);
        assert!(busy.inference > busy.evm * 3 / 2 && busy.ai == busy.evm, "{busy:?}");
        for sample in &samples {
            assert!(sample.fees.ai >= sample.fees.evm && sample.fees.inference >= sample.fees.evm);
        }
        // An eighth for each of thirty blocks is a factor of 34.
        let (calm, attacked) = (at(attack.from - 100), at(attack.from));
        assert!(attacked.evm > 20 * calm.evm && attacked.evm < 50 * calm.evm, "{attacked:?}");
        assert!(at(attack.to + 400).evm < 2 * calm.evm, "and is over soon");
    }

    #[test]
    fn days_have_a_noon() {
        assert_eq!((day(0), day(3_600), day(7_200)), (600, 1_400, 600));
    }
}
