//! Where in the source each constraint is made, for tools that leave constraints out.

#[cfg(not(feature = "circuits"))]
pub(crate) use none::Sites;
#[cfg(feature = "circuits")]
pub(crate) use noted::Sites;
#[cfg(feature = "circuits")]
pub use noted::{Call, Site};

#[cfg(feature = "circuits")]
mod noted {
    use core::{fmt, panic::Location};
    use std::collections::BTreeMap;

    /// A place in the source that makes a constraint, or calls a method that makes some.
    #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    pub struct Call {
        /// Name of the method; `gate` and `lookup` make a constraint.
        pub method: &'static str,
        /// Name of the file.
        pub file: &'static str,
        /// Line.
        pub line: u32,
        /// Column.
        pub column: u32,
    }

    /// The calls that make a constraint, that of the gadget first. The same calls with other
    /// parameters or integers, or in another turn of a loop, are the same site.
    #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
    pub struct Site(Vec<Call>);

    impl Site {
        /// Returns the calls.
        #[must_use]
        pub fn calls(&self) -> &[Call] {
            &self.0
        }
    }

    impl fmt::Display for Site {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            for (index, Call { method, file, line, .. }) in self.0.iter().enumerate() {
                let arrow = if index == 0 { "" } else { " > " };
                write!(f, "{arrow}{method} at {file}:{line}")?;
            }
            Ok(())
        }
    }

    /// The sites of all constraints. Sites form a tree: each call but the first has one before it.
    #[derive(Debug, Default)]
    pub(crate) struct Sites {
        calls: Vec<(Option<u32>, Call)>,
        numbers: BTreeMap<(Option<u32>, Call), u32>,
        /// The calls that have not returned.
        open: Vec<u32>,
        gates: Vec<u32>,
        lookups: Vec<u32>,
    }

    impl Sites {
        /// Notes a call that has begun.
        pub(crate) fn enter(&mut self, method: &'static str, at: &'static Location<'static>) {
            let number = self.number(method, at);
            self.open.push(number);
        }

        /// Notes that the last call that has begun returns.
        pub(crate) fn leave(&mut self) {
            self.open.pop();
        }

        /// Notes where a multiplication is made.
        pub(crate) fn gate(&mut self, at: &'static Location<'static>) {
            let number = self.number("gate", at);
            self.gates.push(number);
        }

        /// Notes where a lookup is made.
        pub(crate) fn lookup(&mut self, at: &'static Location<'static>) {
            let number = self.number("lookup", at);
            self.lookups.push(number);
        }

        /// Returns the site of a multiplication, by its number.
        pub(crate) fn of_gate(&self, index: usize) -> Option<Site> {
            self.gates.get(index).map(|number| self.site(*number))
        }

        /// Returns the site of a lookup, by its number.
        pub(crate) fn of_lookup(&self, index: usize) -> Option<Site> {
            self.lookups.get(index).map(|number| self.site(*number))
        }

        fn number(&mut self, method: &'static str, at: &'static Location<'static>) -> u32 {
            let file = at.file().rsplit(['/', '\\']).next().unwrap_or_default();
            let call = Call { method, file, line: at.line(), column: at.column() };
            let node = (self.open.last().copied(), call);
            let next = self.calls.len() as u32;
            let number = *self.numbers.entry(node).or_insert(next);
            if number == next {
                self.calls.push(node);
            }
            number
        }

        fn site(&self, number: u32) -> Site {
            let mut calls = Vec::new();
            let mut next = Some(number);
            while let Some(number) = next {
                let (before, call) = self.calls[number as usize];
                calls.push(call);
                next = before;
            }
            calls.reverse();
            Site(calls)
        }
    }
}

#[cfg(not(feature = "circuits"))]
mod none {
    use core::panic::Location;

    /// The sites of constraints, which only tools ask for.
    #[derive(Debug, Default)]
    pub(crate) struct Sites;

    impl Sites {
        pub(crate) const fn enter(&mut self, _: &'static str, _: &'static Location<'static>) {}

        pub(crate) const fn leave(&mut self) {}

        pub(crate) const fn gate(&mut self, _: &'static Location<'static>) {}

        pub(crate) const fn lookup(&mut self, _: &'static Location<'static>) {}
    }
}
