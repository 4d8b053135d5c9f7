//! Searches the inputs of a function for the one with the least gas for its time.

use core::time::Duration;
use std::time::Instant;

use crate::{
    gene::Random,
    measure::{Function, Machine, Sample},
};

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

const SEED: u64 = 12;

/// A search takes no longer for each of its inputs, by the clock on the wall.
const EVALUATION: Duration = Duration::from_millis(250);
