use minijinja::{Error, ErrorKind, State};

/// A text that is written of a value, and paid for by the template while it grows.
pub(super) struct PaidText<'a, 'b> {
    state: &'a State<'a, 'b>,
    pub(super) text: String,
    /// Bytes that are paid for.
    paid: usize,
    /// Brackets that are open.
    pub(super) depth: usize,
}

impl<'a, 'b> PaidText<'a, 'b> {
    pub(super) const fn new(state: &'a State<'a, 'b>) -> Self {
        Self { state, text: String::new(), paid: 0, depth: 0 }
    }

    /// Pays for a value and for what was written since the last one. A value may hold itself many
    /// times over, so each step is paid for, not each value.
    pub(super) fn pay(&mut self) -> Result<(), Error> {
        self.state.consume_fuel(1 + ((self.text.len() - self.paid) / BYTES_PER_FUEL) as u64)?;
        self.paid = self.text.len();
        Ok(())
    }

    pub(super) fn open(&mut self, bracket: char) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let message = "values are written with at most 128 levels";
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        self.text.push(bracket);
        Ok(())
    }
}

/// Deepest value that is written. What a template builds or keeps has fewer levels, by the guard; a
/// literal of constants alone passes no guard, and is bounded here.
const MAX_DEPTH: usize = 128;

/// As the engine charges for texts that it writes itself.
const BYTES_PER_FUEL: usize = 16;
