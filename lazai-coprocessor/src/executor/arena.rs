use core::ops::Range;

use super::{error::ExecutionError, reserve::reserve};
use crate::program::{Format, Plan, Program, Rows, ValueId};

/// The block of memory in which the values of a step lie, by plan.
#[derive(Debug)]
pub(super) struct Arena {
    plan: Plan,
    words: Vec<u64>,
}

/// A value, borrowed to be read or written.
#[derive(Debug)]
pub(super) enum Slot<'a> {
    I16(&'a mut [i16]),
    I32(&'a mut [i32]),
}

impl<'a> Slot<'a> {
    pub(super) const fn i16(self) -> Result<&'a mut [i16], ExecutionError> {
        match self {
            Self::I16(elements) => Ok(elements),
            Self::I32(_) => Err(ExecutionError::Format { expected: "i16" }),
        }
    }

    pub(super) const fn i32(self) -> Result<&'a mut [i32], ExecutionError> {
        match self {
            Self::I32(elements) => Ok(elements),
            Self::I16(_) => Err(ExecutionError::Format { expected: "i32" }),
        }
    }
}

impl Arena {
    pub(super) fn new(plan: Plan) -> Result<Self, ExecutionError> {
        let bytes = usize::try_from(plan.arena_bytes).map_err(|_| ExecutionError::Overflow)?;
        Ok(Self { plan, words: reserve(bytes.div_ceil(8))? })
    }

    pub(super) const fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Borrows values of a step of `rows` rows; the plan keeps values that are needed together
    /// apart.
    pub(super) fn slots<const N: usize>(
        &mut self,
        program: &Program,
        rows: Rows,
        ids: [ValueId; N],
    ) -> Result<[Slot<'_>; N], ExecutionError> {
        let mut ranges = [const { 0..0 }; N];
        for (range, id) in ranges.iter_mut().zip(ids) {
            *range = self.range(program, rows, id)?;
        }
        let bytes: &mut [u8] = bytemuck::cast_slice_mut(&mut self.words);
        let slices = bytes
            .get_disjoint_mut(ranges)
            .map_err(|_| ExecutionError::Plan { value: ids.first().map_or(0, |id| id.0) })?;
        let mut ids = ids.into_iter();
        Ok(slices.map(|bytes| {
            let format = ids.next().map(|id| program.values[id.index()].format);
            match format {
                Some(Format::I16) => Slot::I16(bytemuck::cast_slice_mut(bytes)),
                _ => Slot::I32(bytemuck::cast_slice_mut(bytes)),
            }
        }))
    }

    /// Reads an i32 value.
    pub(super) fn i32(
        &self,
        program: &Program,
        rows: Rows,
        id: ValueId,
    ) -> Result<&[i32], ExecutionError> {
        let range = self.range(program, rows, id)?;
        Ok(bytemuck::cast_slice(&bytemuck::cast_slice::<u64, u8>(&self.words)[range]))
    }

    /// Reads an i16 value.
    pub(super) fn i16(
        &self,
        program: &Program,
        rows: Rows,
        id: ValueId,
    ) -> Result<&[i16], ExecutionError> {
        let range = self.range(program, rows, id)?;
        Ok(bytemuck::cast_slice(&bytemuck::cast_slice::<u64, u8>(&self.words)[range]))
    }

    fn range(
        &self,
        program: &Program,
        rows: Rows,
        id: ValueId,
    ) -> Result<Range<usize>, ExecutionError> {
        let missing = ExecutionError::Plan { value: id.0 };
        let offset = self.plan.offsets.get(id.index()).copied().flatten().ok_or(missing)?;
        let value = &program.values[id.index()];
        let bytes = rows.of(value.rows) * u64::from(value.width) * value.format.bytes();
        let range = offset as usize..(offset + bytes) as usize;
        if range.end > 8 * self.words.len() {
            return Err(ExecutionError::Plan { value: id.0 });
        }
        Ok(range)
    }
}
