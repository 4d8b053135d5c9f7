use core::{fmt, panic::AssertUnwindSafe};
use std::{collections::BTreeMap, panic, path::Path};

use redb::{
    Database, ReadOnlyTable, ReadableDatabase, StorageBackend, TableDefinition, WriteTransaction,
};

use super::{Backend, Table, Transaction};
use crate::StateError;

/// Keeps bytes in one file of redb. A block is durable when its commit returns.
#[derive(Debug)]
pub struct Durable(Database);

/// Reads what was durable when it began.
pub struct DurableReader(BTreeMap<Table, ReadOnlyTable<&'static [u8], &'static [u8]>>);

/// Writes, and makes all of it durable at once.
pub struct DurableWriter {
    transaction: WriteTransaction,
    /// What was durable when it began; there is no other writer.
    before: DurableReader,
    /// Written at the end, in the order of the file.
    written: BTreeMap<(Table, Vec<u8>), Option<Vec<u8>>>,
}

impl Durable {
    /// Opens a file, or makes it. A file whose writer was killed is repaired as it was before.
    ///
    /// # Errors
    /// [`StateError::Database`] if it is another program's, or cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StateError> {
        guarded(|| Self::new(Database::create(path)?))
    }

    /// Opens what a backend of redb holds, for tests with disks that fail.
    ///
    /// # Errors
    /// [`StateError::Database`] if it fails.
    pub fn with_backend(backend: impl StorageBackend) -> Result<Self, StateError> {
        Self::new(Database::builder().create_with_backend(backend)?)
    }

    fn new(database: Database) -> Result<Self, StateError> {
        // A reader finds no table before it was made.
        let transaction = database.begin_write()?;
        for table in Table::ALL {
            transaction.open_table(definition(table))?;
        }
        transaction.commit()?;
        Ok(Self(database))
    }
}

/// redb panics at some pages that it did not write.
fn guarded<T>(read: impl FnOnce() -> Result<T, StateError>) -> Result<T, StateError> {
    panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(StateError::Page))
}

impl Backend for Durable {
    type Reader<'a> = DurableReader;
    type Writer<'a> = DurableWriter;

    fn reader(&self) -> Result<DurableReader, StateError> {
        guarded(|| {
            let transaction = self.0.begin_read()?;
            let open = |table| Ok((table, transaction.open_table(definition(table))?));
            let tables = Table::ALL.into_iter().map(open);
            tables.collect::<Result<_, StateError>>().map(DurableReader)
        })
    }

    fn writer(&self) -> Result<DurableWriter, StateError> {
        // It waits for another writer, before this one looks at what there is.
        let transaction = self.0.begin_write()?;
        Ok(DurableWriter { transaction, before: self.reader()?, written: BTreeMap::new() })
    }
}

impl Transaction for DurableReader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let Some(table) = self.0.get(&table) else { return Ok(None) };
        guarded(|| Ok(table.get(key)?.map(|value| value.value().to_vec())))
    }

    fn put(&mut self, _: Table, _: &[u8], _: &[u8]) -> Result<(), StateError> {
        Ok(())
    }

    fn delete(&mut self, _: Table, _: &[u8]) -> Result<(), StateError> {
        Ok(())
    }

    fn commit(self) -> Result<(), StateError> {
        Ok(())
    }
}

impl Transaction for DurableWriter {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        match self.written.get(&(table, key.to_vec())) {
            Some(value) => Ok(value.clone()),
            None => self.before.get(table, key),
        }
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.written.insert((table, key.to_vec()), Some(value.to_vec()));
        Ok(())
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), StateError> {
        self.written.insert((table, key.to_vec()), None);
        Ok(())
    }

    fn commit(self) -> Result<(), StateError> {
        let Self { transaction, before, written } = self;
        drop(before);
        let mut written = written.into_iter().peekable();
        for kind in Table::ALL {
            let mut table = transaction.open_table(definition(kind))?;
            while let Some(((_, key), value)) = written.next_if(|((of, _), _)| *of == kind) {
                match value {
                    Some(value) => drop(table.insert(key.as_slice(), value.as_slice())?),
                    None => drop(table.remove(key.as_slice())?),
                }
            }
        }
        Ok(transaction.commit()?)
    }
}

impl fmt::Debug for DurableReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableReader").finish_non_exhaustive()
    }
}

impl fmt::Debug for DurableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableWriter").finish_non_exhaustive()
    }
}

const fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(match table {
        Table::Blocks => "blocks",
        Table::Blooms => "blooms",
        Table::Codes => "codes",
        Table::Counts => "counts",
        Table::Journals => "journals",
        Table::Meta => "meta",
        Table::Nodes => "nodes",
    })
}
