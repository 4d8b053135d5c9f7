use super::{Cache, CacheId, Format, Operator, Program, RowCount, Value, ValueId};

/// Why a program was refused.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProgramError {
    /// A count exceeds what this version runs.
    #[error("{what} is {got}, outside {min} to {max}")]
    Limit {
        /// What is counted.
        what: &'static str,
        /// The count.
        got: i64,
        /// The smallest allowed.
        min: i64,
        /// The largest allowed.
        max: i64,
    },
    /// An operand does not exist, is read before it is written, is written twice, or is given
    /// twice.
    #[error("operator {index} ({operator}): {operand} {id} {problem}")]
    Operand {
        /// Index of the operator.
        index: usize,
        /// The name of the operator.
        operator: &'static str,
        /// `value` or `cache`.
        operand: &'static str,
        /// The id of the operand.
        id: u32,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Two shapes, formats or scales that must agree do not.
    #[error("operator {index} ({operator}): {what} must be {expected}, got {got}")]
    Mismatch {
        /// Index of the operator.
        index: usize,
        /// The name of the operator.
        operator: &'static str,
        /// What disagrees.
        what: &'static str,
        /// What it must be.
        expected: i64,
        /// What it is.
        got: i64,
    },
    /// An output is not what its name promises.
    #[error("the {output} output must be a written {expected}")]
    Output {
        /// `logits` or `embedding`.
        output: &'static str,
        /// The format and rows that it needs.
        expected: &'static str,
    },
}

impl Program {
    /// Checks every operand, shape, format and scale, so that execution cannot meet a wrong one.
    ///
    /// # Errors
    /// The first [`ProgramError`] found.
    pub fn check(&self) -> Result<(), ProgramError> {
        limit("the number of values", self.values.len() as i64, 0, MAX_COUNT)?;
        limit("the number of caches", self.caches.len() as i64, 0, MAX_COUNT)?;
        limit("the number of operators", self.operators.len() as i64, 0, MAX_COUNT)?;
        for value in &self.values {
            limit("the width of a value", i64::from(value.width), 1, MAX_WIDTH)?;
            limit("the fraction bits of a value", i64::from(value.bits), MIN_BITS, MAX_BITS)?;
        }
        for cache in &self.caches {
            limit("the heads of a cache", i64::from(cache.heads), 1, MAX_WIDTH)?;
            limit("the width of a head", i64::from(cache.head_dim), 2, MAX_HEAD_DIM)?;
            limit("the odd columns of a head", i64::from(cache.head_dim % 2), 0, 0)?;
            let width = i64::from(cache.heads) * i64::from(cache.head_dim);
            limit("the width of a cache", width, 1, MAX_WIDTH)?;
            limit("the fraction bits of a cache", i64::from(cache.key_bits), MIN_BITS, MAX_BITS)?;
            limit("the fraction bits of a cache", i64::from(cache.value_bits), MIN_BITS, MAX_BITS)?;
        }
        let mixed = self.operators.iter().any(Operator::is_causal);
        limit(
            "causal attention beside bidirectional",
            i64::from(self.is_bidirectional() && mixed),
            0,
            0,
        )?;
        let count = |reads: fn(&Operator) -> bool| {
            self.operators.iter().filter(|operator| reads(operator)).count() as i64
        };
        let inputs = count(|operator| matches!(operator, Operator::Input { .. }));
        limit("the number of inputs", inputs, 0, 1)?;
        let gathers = count(|operator| matches!(operator, Operator::Gather { .. }));
        limit("the readers of tokens beside an input", inputs * gathers, 0, 0)?;
        let mut checker = Checker {
            program: self,
            index: 0,
            operator: "",
            written: vec![false; self.values.len()],
            filled: vec![false; self.caches.len()],
        };
        for (index, operator) in self.operators.iter().enumerate() {
            checker.index = index;
            checker.operator = operator.name();
            checker.check(operator)?;
        }
        self.check_output(&checker.written, self.logits, "logits", |value| {
            value.rows == RowCount::Outputs && value.format == Format::I32
        })?;
        self.check_output(&checker.written, self.embedding, "embedding", |value| {
            value.rows == RowCount::One && value.format == Format::I16
        })
    }

    fn check_output(
        &self,
        written: &[bool],
        id: Option<ValueId>,
        output: &'static str,
        fits: impl Fn(&Value) -> bool,
    ) -> Result<(), ProgramError> {
        let Some(id) = id else { return Ok(()) };
        let value = self.values.get(id.index()).filter(|_| written[id.index()]);
        let bits = value.map_or(0, |value| i64::from(value.bits));
        limit("the fraction bits of an output", bits, 0, MAX_OUTPUT_BITS)?;
        if value.is_some_and(fits) {
            return Ok(());
        }
        let expected =
            if output == "logits" { "i32 value with output rows" } else { "i16 value of one row" };
        Err(ProgramError::Output { output, expected })
    }
}

struct Checker<'a> {
    program: &'a Program,
    index: usize,
    operator: &'static str,
    written: Vec<bool>,
    filled: Vec<bool>,
}

impl Checker<'_> {
    fn check(&mut self, operator: &Operator) -> Result<(), ProgramError> {
        match operator {
            Operator::AddBias { value, .. } => self.read(*value).map(|_| ()),
            Operator::AddPositions { residual, .. } => {
                let residual = self.read(*residual)?;
                self.format("the residual", residual, Format::I32)?;
                self.tokens(residual)
            }
            Operator::Attention { query, cache, output, .. } => {
                let query = self.read(*query)?;
                let cache = self.cache(*cache, true)?;
                let output = self.write(*output)?;
                self.format("the query", query, Format::I16)?;
                self.format("the output", output, Format::I16)?;
                let unit = cache.heads * cache.head_dim;
                self.equal("the query's width modulo the cache's", 0, query.width % unit)?;
                self.equal("the output's width", query.width, output.width)?;
                self.equal("the output's fraction bits", cache.value_bits, output.bits)?;
                self.tokens(query)?;
                self.tokens(output)
            }
            Operator::CacheAppend { key, value, cache } => {
                self.apart(*key, *value)?;
                let key = self.read(*key)?;
                let value = self.read(*value)?;
                let id = *cache;
                let cache = self.cache(id, false)?;
                for (what, operand, bits) in
                    [("the key", key, cache.key_bits), ("the value", value, cache.value_bits)]
                {
                    self.format(what, operand, Format::I16)?;
                    self.equal(what, cache.heads * cache.head_dim, operand.width)?;
                    self.equal("the fraction bits", bits, operand.bits)?;
                    self.tokens(operand)?;
                }
                self.filled[id.index()] = true;
                Ok(())
            }
            Operator::FirstRow { input, output } => {
                let (input, output) = (self.read(*input)?, self.write(*output)?);
                self.format("the input", input, Format::I32)?;
                self.format("the output", output, Format::I32)?;
                self.equal("the output's width", input.width, output.width)?;
                self.equal("the output's fraction bits", input.bits, output.bits)?;
                self.tokens(input)?;
                // Scores are asked for step by step, which such a program is not read in.
                let scored = !self.program.is_bidirectional() && self.program.logits.is_some();
                self.equal("the scores beside a first row", 0, u8::from(scored))?;
                self.equal("the output's rows", RowCount::One as u8, output.rows as u8)
            }
            Operator::GatedSilu { gate, up, output } => {
                self.apart(*gate, *up)?;
                let operands = [self.read(*gate)?, self.read(*up)?, self.write(*output)?];
                for operand in operands {
                    self.format("an operand", operand, Format::I16)?;
                    self.equal("a width", operands[0].width, operand.width)?;
                    self.rows(operands[0], operand)?;
                }
                Ok(())
            }
            Operator::Gather { output, .. } => {
                let output = self.write(*output)?;
                self.format("the output", output, Format::I32)?;
                self.tokens(output)
            }
            Operator::Gelu { input, output, .. } | Operator::Relu { input, output } => {
                let (input, output) = (self.read(*input)?, self.write(*output)?);
                self.format("the input", input, Format::I16)?;
                self.format("the output", output, Format::I16)?;
                self.equal("the output's width", input.width, output.width)?;
                self.rows(input, output)
            }
            Operator::HeadNorm { input, gain_bits, epsilon, head_dim, output, .. } => {
                let (input, output) = (self.read(*input)?, self.write(*output)?);
                self.format("the input", input, Format::I16)?;
                self.format("the output", output, Format::I16)?;
                self.equal("the output's width", input.width, output.width)?;
                limit("the width of a head", i64::from(*head_dim), 1, MAX_HEAD_DIM)?;
                self.equal("the width modulo the head's", 0, input.width % head_dim)?;
                norm_limits(*gain_bits, *epsilon)?;
                self.rows(input, output)
            }
            Operator::Input { output } => {
                let output = self.write(*output)?;
                self.tokens(output)
            }
            Operator::LastRows { input, output } => {
                let (input, output) = (self.read(*input)?, self.write(*output)?);
                self.format("the input", input, Format::I32)?;
                self.format("the output", output, Format::I32)?;
                self.equal("the output's width", input.width, output.width)?;
                self.equal("the output's fraction bits", input.bits, output.bits)?;
                self.tokens(input)?;
                self.equal("the output's rows", RowCount::Outputs as u8, output.rows as u8)
            }
            Operator::LayerNorm { input, gain_bits, epsilon, output, .. } => {
                let (input, output) = (self.read(*input)?, self.write(*output)?);
                self.format("the input", input, Format::I32)?;
                self.equal("the output's width", input.width, output.width)?;
                norm_limits(*gain_bits, *epsilon)?;
                self.rows(input, output)
            }
            Operator::MatMul { input, output, .. } => {
                let (input, output) = (self.read(*input)?, self.write(*output)?);
                self.format("the input", input, Format::I16)?;
                self.rows(input, output)
            }
            Operator::MatMulAdd { input, residual, .. } => {
                let (input, residual) = (self.read(*input)?, self.read(*residual)?);
                self.format("the input", input, Format::I16)?;
                self.format("the residual", residual, Format::I32)?;
                self.rows(input, residual)
            }
            Operator::MeanPool { input, output } => {
                let (input, output) = (self.read(*input)?, self.write(*output)?);
                self.format("the input", input, Format::I16)?;
                self.format("the output", output, Format::I32)?;
                self.equal("the output's width", input.width, output.width)?;
                let bits = i64::from(input.bits) + i64::from(crate::numeric::POOL_BITS);
                self.equal("the output's fraction bits", bits, output.bits)?;
                self.equal("the output's rows", RowCount::One as u8, output.rows as u8)
            }
            Operator::Narrow { input, output } => {
                let (input, output) = (self.read(*input)?, self.write(*output)?);
                self.format("the input", input, Format::I32)?;
                self.format("the output", output, Format::I16)?;
                self.equal("the output's width", input.width, output.width)?;
                self.rows(input, output)
            }
            Operator::RmsNorm { input, output, gain_bits, epsilon, .. } => {
                let (input, output) = (self.read(*input)?, self.write(*output)?);
                self.format("the input", input, Format::I32)?;
                self.format("the output", output, Format::I16)?;
                self.equal("the output's width", input.width, output.width)?;
                norm_limits(*gain_bits, *epsilon)?;
                self.rows(input, output)
            }
            Operator::Rope { value, head_dim } => {
                let value = self.read(*value)?;
                self.format("the value", value, Format::I16)?;
                limit("the width of a head", i64::from(*head_dim), 2, MAX_HEAD_DIM)?;
                self.equal("the width modulo the head's", 0, value.width % head_dim)?;
                self.equal("the head's width modulo 2", 0, head_dim % 2)?;
                self.tokens(value)
            }
        }
    }

    fn read(&self, id: ValueId) -> Result<Value, ProgramError> {
        match self.program.values.get(id.index()) {
            None => Err(self.operand("value", id.0, "does not exist")),
            Some(_) if !self.written[id.index()] => {
                Err(self.operand("value", id.0, "is read before it is written"))
            }
            Some(value) => Ok(*value),
        }
    }

    fn write(&mut self, id: ValueId) -> Result<Value, ProgramError> {
        match self.program.values.get(id.index()) {
            None => Err(self.operand("value", id.0, "does not exist")),
            Some(_) if self.written[id.index()] => {
                Err(self.operand("value", id.0, "is written twice"))
            }
            Some(value) => {
                self.written[id.index()] = true;
                Ok(*value)
            }
        }
    }

    /// Refuses one value as two operands: the interpreter borrows them at the same time.
    fn apart(&self, first: ValueId, second: ValueId) -> Result<(), ProgramError> {
        if first == second {
            return Err(self.operand("value", first.0, "is given twice"));
        }
        Ok(())
    }

    fn cache(&self, id: CacheId, filled: bool) -> Result<Cache, ProgramError> {
        match self.program.caches.get(id.index()) {
            None => Err(self.operand("cache", id.0, "does not exist")),
            Some(_) if filled && !self.filled[id.index()] => {
                Err(self.operand("cache", id.0, "is read before it is filled"))
            }
            Some(_) if !filled && self.filled[id.index()] => {
                Err(self.operand("cache", id.0, "is filled twice"))
            }
            Some(cache) => Ok(*cache),
        }
    }

    fn format(&self, what: &'static str, value: Value, format: Format) -> Result<(), ProgramError> {
        let bits = |format: Format| 8 * format.bytes() as i64;
        self.equal(what, bits(format), bits(value.format))
    }

    fn tokens(&self, value: Value) -> Result<(), ProgramError> {
        self.equal("the rows", RowCount::Tokens as u8, value.rows as u8)
    }

    fn rows(&self, expected: Value, value: Value) -> Result<(), ProgramError> {
        self.equal("the rows", expected.rows as u8, value.rows as u8)
    }

    fn equal(
        &self,
        what: &'static str,
        expected: impl Into<i64>,
        got: impl Into<i64>,
    ) -> Result<(), ProgramError> {
        let (expected, got) = (expected.into(), got.into());
        if expected == got {
            return Ok(());
        }
        let (index, operator) = (self.index, self.operator);
        Err(ProgramError::Mismatch { index, operator, what, expected, got })
    }

    const fn operand(&self, operand: &'static str, id: u32, problem: &'static str) -> ProgramError {
        let (index, operator) = (self.index, self.operator);
        ProgramError::Operand { index, operator, operand, id, problem }
    }
}

fn norm_limits(gain_bits: i8, epsilon: u64) -> Result<(), ProgramError> {
    limit("the fraction bits of a gain", i64::from(gain_bits), MIN_BITS, MAX_BITS)?;
    let epsilon = i64::try_from(epsilon).unwrap_or(i64::MAX);
    limit("the epsilon of a norm", epsilon, 0, MAX_EPSILON)
}

fn limit(what: &'static str, got: i64, min: i64, max: i64) -> Result<(), ProgramError> {
    if (min..=max).contains(&got) {
        Ok(())
    } else {
        Err(ProgramError::Limit { what, got, min, max })
    }
}

const MAX_OUTPUT_BITS: i64 = 24;
/// Room for 1,024 layers; planning takes time of its square, and every quote plans.
const MAX_COUNT: i64 = 1 << 14;
const MAX_WIDTH: i64 = 1 << 20;
/// Keeps the sum of a query and a key within 2^30: a key reaches -128, a query -2^15.
const MAX_HEAD_DIM: i64 = 256;
const MIN_BITS: i64 = -32;
const MAX_BITS: i64 = 40;
/// Keeps the sum of squares plus epsilon below 2^52.
const MAX_EPSILON: i64 = 1 << 51;
