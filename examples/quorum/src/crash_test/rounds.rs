use core::time::Duration;
use std::{path::Path, time::Instant};

use alloy_primitives::keccak256;

use crate::{
    crash_test::{
        Audited, CrashTestError, audit,
        load::{LoadGenerator, TIMEOUT},
    },
    fleet::{Fleet, VALIDATORS},
};

/// The options of a crash test.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CrashTestOptions {
    /// Number of rounds, in each of which one or all validators are killed.
    pub rounds: u64,
    /// Seed of the victims and the times.
    pub seed: u64,
}

/// The outcome of a crash test without forks and lost blocks; those are errors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CrashTestReport {
    /// Restarts of killed validators.
    pub restarts: Vec<Restart>,
    /// Number of rounds in which all validators were killed at once.
    pub blackouts: u64,
    /// Height of the chain at the end.
    pub height: u64,
    /// Number of questions to the model in the chain.
    pub ai_blocks: u64,
    /// Duration of all rounds.
    pub elapsed: Duration,
    /// What the files of each validator hold.
    pub audited: Vec<Audited>,
}

/// The restart of a killed validator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Restart {
    /// Index of the validator.
    pub node: usize,
    /// Height of the last block that it had announced.
    pub acknowledged: u64,
    /// Height of the last block that it had after the restart.
    pub found: u64,
    /// Number of blocks that it executed again.
    pub replayed: u64,
    /// Bytes of a torn record that it cut off its journal.
    pub cut_bytes: u64,
    /// Time from the start until its state was loaded.
    pub ready: Duration,
    /// Time from the start until it had the block that was the highest when its state was loaded.
    pub caught_up: Duration,
}

/// Starts validators in `folder`, and kills and restarts them at random times under load.
///
/// After each round, all validators must agree and none may have lost a block. `on_restart` is
/// called with the round and each restart.
///
/// # Errors
/// [`CrashTestError`] if a validator forks, loses a block or does not come back.
pub fn run_crash_test(
    program: &Path,
    folder: &Path,
    options: CrashTestOptions,
    mut on_restart: impl FnMut(u64, &Restart),
) -> Result<CrashTestReport, CrashTestError> {
    let begin = Instant::now();
    let mut fleet = Fleet::new(program, folder)?;
    for index in 0..VALIDATORS {
        fleet.start(index)?;
    }
    let mut load = LoadGenerator::new()?;
    let mut report = CrashTestReport::default();
    load.run(&mut fleet, |fleet| fleet.final_blocks().height() >= 3)?;
    for round in 0..options.rounds {
        let mut random = SeededRandom { seed: options.seed, round, count: 0 };
        let up = Instant::now() + Duration::from_millis(random.below(600));
        load.run(&mut fleet, |_| Instant::now() >= up)?;
        let victims: Vec<_> = if round % KILL_ALL_EVERY == KILL_ALL_EVERY - 1 {
            report.blackouts += 1;
            (0..VALIDATORS).collect()
        } else {
            vec![usize::try_from(random.below(VALIDATORS as u64)).unwrap_or(0)]
        };
        for victim in &victims {
            fleet.kill(*victim)?;
        }
        let down = Instant::now() + Duration::from_millis(random.below(1_000));
        load.run(&mut fleet, |_| Instant::now() >= down)?;
        for restart in restart(&mut fleet, &mut load, &victims)? {
            on_restart(round, &restart);
            report.restarts.push(restart);
        }
        // The chain must go on at all validators.
        let goal = fleet.final_blocks().height() + 2;
        let all =
            |fleet: &Fleet| (0..VALIDATORS).all(|node| fleet.final_blocks().tip(node) >= goal);
        load.run(&mut fleet, all)?;
    }
    fleet.stop(TIMEOUT)?;
    report.height = fleet.final_blocks().height();
    report.ai_blocks = load.prompts;
    report.elapsed = begin.elapsed();
    for index in 0..VALIDATORS {
        report.audited.push(audit(index, VALIDATORS, &fleet.folder(index), fleet.final_blocks())?);
    }
    Ok(report)
}

/// Starts the killed validators again, and waits until each has caught up with the others.
fn restart(
    fleet: &mut Fleet,
    load: &mut LoadGenerator,
    victims: &[usize],
) -> Result<Vec<Restart>, CrashTestError> {
    let mut restarts = Vec::new();
    let mut started = Vec::new();
    for node in victims {
        load.forget_ready(*node);
        started.push((*node, Instant::now(), fleet.final_blocks().tip(*node)));
        fleet.start(*node)?;
    }
    for (node, start, acknowledged) in started {
        let state = load.wait_ready(fleet, node, start)?;
        let found = state.height;
        if found < acknowledged {
            return Err(CrashTestError::Lost { node, acknowledged, found });
        }
        let goal = fleet.final_blocks().height();
        load.run(fleet, |fleet| fleet.final_blocks().tip(node) >= goal)?;
        restarts.push(Restart {
            node,
            acknowledged,
            found,
            replayed: state.replayed,
            cut_bytes: state.cut_bytes,
            ready: state.at.saturating_duration_since(start),
            caught_up: start.elapsed(),
        });
    }
    Ok(restarts)
}

/// Random numbers that depend on the seed, the round and how many were drawn before.
#[derive(Debug)]
struct SeededRandom {
    seed: u64,
    round: u64,
    count: u64,
}

impl SeededRandom {
    /// Draws a number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        let words = [self.seed, self.round, self.count].map(u64::to_be_bytes);
        self.count += 1;
        let hash = keccak256(words.concat());
        let word = hash.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes));
        word % bound.max(1)
    }
}

/// In one of so many rounds all validators are killed at once.
const KILL_ALL_EVERY: u64 = 5;
