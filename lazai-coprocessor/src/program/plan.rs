use lazai_api_types::WorkOverflow;

use super::{Program, RowCount, State, Target, Value};

/// The row counts of one step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Rows {
    /// Tokens of the step.
    pub tokens: u64,
    /// Last tokens whose scores are wanted.
    pub outputs: u64,
    /// Sequences that end with the step.
    pub sequences: u64,
}

impl Rows {
    /// Returns how many rows a value has in the step.
    #[must_use]
    pub const fn of(&self, rows: RowCount) -> u64 {
        match rows {
            RowCount::One => self.sequences,
            RowCount::Outputs => self.outputs,
            RowCount::Tokens => self.tokens,
        }
    }
}

/// Where every value of a step lies in one block of memory.
///
/// A value holds its place from the operator that first writes it to the last that reads it. Values
/// are placed in the order in which they are written, each at the lowest aligned offset that no
/// living value covers, so the plan depends on the program and the row counts alone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Plan {
    /// Operators to run, in order.
    pub schedule: Vec<usize>,
    /// Byte offset of each value; `None` if the target does not need it.
    pub offsets: Vec<Option<u64>>,
    /// The high-water mark: bytes of the block.
    pub arena_bytes: u64,
}

impl Plan {
    /// Plans a step of at most `rows` rows.
    ///
    /// # Errors
    /// [`WorkOverflow`] if the block would exceed 64 bits.
    pub fn new(program: &Program, target: Target, rows: Rows) -> Result<Self, WorkOverflow> {
        let schedule = program.schedule(target);
        let lives = lives(program, target, &schedule);
        let mut offsets = vec![None; program.values.len()];
        let mut placed: Vec<Place> = Vec::new();
        let mut arena_bytes = 0;
        for (step, index) in schedule.iter().enumerate() {
            placed.retain(|place| place.last >= step);
            let Some(id) = program.operators[*index].writes() else { continue };
            let Some((first, last)) = lives[id.index()] else { continue };
            if first != step {
                continue;
            }
            let bytes = value_bytes(&program.values[id.index()], rows)?;
            let start = lowest_gap(&placed, bytes)?;
            let end = start.checked_add(bytes).ok_or(WorkOverflow)?;
            let position = placed.partition_point(|place| place.start < start);
            placed.insert(position, Place { start, end, last });
            offsets[id.index()] = Some(start);
            arena_bytes = arena_bytes.max(end);
        }
        Ok(Self { schedule, offsets, arena_bytes })
    }
}

impl Program {
    /// Computes the bytes that a sequence of `positions` positions needs at most at one time, in
    /// steps of at most `step_tokens`.
    ///
    /// The sum of the high-water mark, the key and value caches, and the pooling sums.
    ///
    /// # Errors
    /// [`WorkOverflow`] if they exceed 64 bits.
    pub fn peak_bytes(
        &self,
        target: Target,
        positions: u64,
        step_tokens: u64,
    ) -> Result<u64, WorkOverflow> {
        let tokens = if self.reads_whole() { positions } else { positions.min(step_tokens) };
        let plan = Plan::new(self, target, Rows { tokens, outputs: 1, sequences: 1 })?;
        let mut state = plan.schedule.iter().map(|index| self.state_bytes(*index, positions));
        state.try_fold(plan.arena_bytes, |sum, bytes| sum.checked_add(bytes?)).ok_or(WorkOverflow)
    }

    /// Bytes of what an operator keeps of a sequence of `positions` positions; `None` if they
    /// exceed 64 bits.
    fn state_bytes(&self, operator: usize, positions: u64) -> Option<u64> {
        match self.operators[operator].state() {
            State::Fills(cache) => {
                self.caches[cache.index()].position_bytes().checked_mul(positions)
            }
            State::Sums(mean) => Some(8 * u64::from(self.values[mean.index()].width)),
            State::Attends { .. } | State::None | State::Start => Some(0),
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Place {
    start: u64,
    end: u64,
    /// Last step that needs the place.
    last: usize,
}

/// First and last step of each value.
fn lives(program: &Program, target: Target, schedule: &[usize]) -> Vec<Option<(usize, usize)>> {
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; program.values.len()];
    for (step, index) in schedule.iter().enumerate() {
        let operator = &program.operators[*index];
        for id in operator.reads().chain(operator.writes()) {
            let life = lives[id.index()].get_or_insert((step, step));
            life.1 = step;
        }
    }
    if let Some(life) = program.output(target).and_then(|id| lives[id.index()].as_mut()) {
        life.1 = schedule.len();
    }
    lives
}

fn value_bytes(value: &Value, rows: Rows) -> Result<u64, WorkOverflow> {
    rows.of(value.rows)
        .checked_mul(u64::from(value.width))
        .and_then(|elements| elements.checked_mul(value.format.bytes()))
        .and_then(|bytes| bytes.checked_next_multiple_of(ALIGNMENT))
        .ok_or(WorkOverflow)
}

/// The lowest offset where `bytes` fit between the places, which are sorted by their start.
fn lowest_gap(placed: &[Place], bytes: u64) -> Result<u64, WorkOverflow> {
    let mut offset = 0_u64;
    for place in placed {
        if offset.checked_add(bytes).ok_or(WorkOverflow)? <= place.start {
            break;
        }
        offset = offset.max(place.end);
    }
    Ok(offset)
}

/// Every value starts at a cache line.
pub(crate) const ALIGNMENT: u64 = 64;
