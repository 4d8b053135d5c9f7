use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{Backend, Table, Transaction};
use crate::StateError;

/// Keeps bytes in memory, for tests and for chains that nobody needs tomorrow.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Tables>);

type Tables = BTreeMap<(Table, Vec<u8>), Vec<u8>>;

/// A transaction of [`Memory`]; others wait for its end.
#[derive(Debug)]
pub struct MemoryTransaction<'a> {
    kept: MutexGuard<'a, Tables>,
    written: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl Memory {
    /// Returns how many keys a table has.
    #[must_use]
    pub fn len(&self, table: Table) -> usize {
        self.begin().kept.keys().filter(|(of, _)| *of == table).count()
    }

    fn begin(&self) -> MemoryTransaction<'_> {
        // Only a commit changes what is kept, at once.
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        MemoryTransaction { kept, written: BTreeMap::new() }
    }
}

impl Backend for Memory {
    type Reader<'a> = MemoryTransaction<'a>;
    type Writer<'a> = MemoryTransaction<'a>;

    fn reader(&self) -> Result<MemoryTransaction<'_>, StateError> {
        Ok(self.begin())
    }

    fn writer(&self) -> Result<MemoryTransaction<'_>, StateError> {
        Ok(self.begin())
    }
}

impl Transaction for MemoryTransaction<'_> {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let key = (table, key.to_vec());
        let written = self.written.get(&key).cloned();
        Ok(written.unwrap_or_else(|| self.kept.get(&key).cloned()))
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.written.insert((table, key.to_vec()), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), StateError> {
        self.written.insert((table, key.to_vec()), None);
        Ok(())
    }

    fn commit(mut self) -> Result<(), StateError> {
        for (key, value) in core::mem::take(&mut self.written) {
            match value {
                Some(value) => self.kept.insert(key, value),
                None => self.kept.remove(&key),
            };
        }
        Ok(())
    }
}
