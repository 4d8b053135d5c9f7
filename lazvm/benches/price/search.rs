//! Searches the inputs of a function for the one with the least gas for its time.

use core::time::Duration;
use std::time::Instant;

use crate::measure::{Function, Machine, Sample};

/// A number of an input, from `min` to `max`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gene {
    min: u32,
    max: u32,
}

impl Gene {
    pub(crate) const fn new(min: u32, max: u32) -> Self {
        Self { min, max }
    }

    pub(crate) const fn below(count: u32) -> Self {
        Self::new(0, count - 1)
    }

    /// The ends and small numbers come more often than others.
    fn draw(self, random: &mut Random) -> u32 {
        let span = self.max - self.min;
        let offset = match random.below(6) {
            0 => 0,
            1 => span,
            2 => random.below(span.min(16) + 1),
            3 => random.below(span.min(256) + 1),
            _ => random.below(span + 1),
        };
        self.min + offset
    }

    fn mutate(self, value: u32, random: &mut Random) -> u32 {
        let value = match random.below(5) {
            0 => value.saturating_add(1),
            1 => value.saturating_sub(1),
            2 => value.saturating_mul(2),
            3 => value / 2,
            _ => self.draw(random),
        };
        value.clamp(self.min, self.max)
    }
}

/// Measures the listed inputs of `function`, then `evaluations` others: half of them drawn, the
/// others by small changes of the worst so far. The three worst are measured once more, and come
/// first.
pub(crate) fn search(machine: &Machine, function: &Function, evaluations: u32) -> Vec<Sample> {
    let mut random = Random::new(SEED);
    let mut samples = Vec::new();
    let mut worst: Option<(Vec<u32>, f64)> = None;
    let mut measure = |genes: Vec<u32>, worst: &mut Option<(Vec<u32>, f64)>| {
        for sample in machine.measure(function, &(function.input)(&genes)) {
            if worst.as_ref().is_none_or(|(_, rate)| sample.rate() < *rate) {
                *worst = Some((genes.clone(), sample.rate()));
            }
            samples.push(sample);
        }
    };
    for genes in &function.listed {
        measure(genes.clone(), &mut worst);
    }
    let start = Instant::now();
    let searched = if function.genes.is_empty() { 0 } else { evaluations };
    for evaluation in 0..searched {
        if start.elapsed() > EVALUATION * searched {
            eprintln!("search ends after {evaluation} of {searched} inputs: {}", function.name);
            break;
        }
        let draw = |random: &mut Random| function.genes.iter().map(|g| g.draw(random)).collect();
        let genes = match &worst {
            Some((genes, _)) if evaluation >= searched / 2 => {
                let mut genes = genes.clone();
                for _ in 0..1 + random.below(2) {
                    let index = random.below(genes.len() as u32) as usize;
                    genes[index] = function.genes[index].mutate(genes[index], &mut random);
                }
                genes
            }
            _ => draw(&mut random),
        };
        measure(genes, &mut worst);
    }
    samples.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
    for sample in samples.iter_mut().take(3) {
        sample.time = sample.time.min(machine.again(sample).time);
    }
    samples.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
    samples
}

/// The splitmix64 generator.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`, nearly uniform.
    pub(crate) const fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((((word ^ (word >> 31)) >> 32) * limit as u64) >> 32) as u32
    }
}

const SEED: u64 = 12;

/// A search takes no longer for each of its inputs, by the clock on the wall.
const EVALUATION: Duration = Duration::from_millis(250);
