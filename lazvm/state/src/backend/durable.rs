use core::fmt;
use std::path::Path;

use redb::{
    Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};

use super::{Backend, Table, Transaction};
use crate::StateError;

/// Keeps bytes in one file of redb. A block is durable when its commit returns.
#[derive(Debug)]
pub struct Durable(Database);

/// Reads what was durable when it began.
#[derive(Debug)]
pub struct DurableReader(ReadTransaction);

/// Writes, and makes all of it durable at once.
pub struct DurableWriter(WriteTransaction);

impl fmt::Debug for DurableWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableWriter").finish_non_exhaustive()
    }
}

impl Durable {
    /// Opens a file, or makes it. A file whose writer was killed is repaired as it was before.
    ///
    /// # Errors
    /// [`StateError::Database`] if it is another program's, or cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StateError> {
        Self::new(Database::create(path)?)
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
        for table in [Table::Blocks, Table::Blooms, Table::Codes, Table::Meta, Table::Nodes] {
            transaction.open_table(definition(table))?;
        }
        transaction.commit()?;
        Ok(Self(database))
    }
}

impl Backend for Durable {
    type Reader<'a> = DurableReader;
    type Writer<'a> = DurableWriter;

    fn reader(&self) -> Result<DurableReader, StateError> {
        Ok(DurableReader(self.0.begin_read()?))
    }

    fn writer(&self) -> Result<DurableWriter, StateError> {
        Ok(DurableWriter(self.0.begin_write()?))
    }
}

impl Transaction for DurableReader {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let table = self.0.open_table(definition(table))?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
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
        let table = self.0.open_table(definition(table))?;
        let value = table.get(key)?.map(|value| value.value().to_vec());
        Ok(value)
    }

    fn put(&mut self, table: Table, key: &[u8], value: &[u8]) -> Result<(), StateError> {
        self.0.open_table(definition(table))?.insert(key, value)?;
        Ok(())
    }

    fn delete(&mut self, table: Table, key: &[u8]) -> Result<(), StateError> {
        self.0.open_table(definition(table))?.remove(key)?;
        Ok(())
    }

    fn commit(self) -> Result<(), StateError> {
        Ok(self.0.commit()?)
    }
}

const fn definition(table: Table) -> TableDefinition<'static, &'static [u8], &'static [u8]> {
    TableDefinition::new(match table {
        Table::Blocks => "blocks",
        Table::Blooms => "blooms",
        Table::Codes => "codes",
        Table::Meta => "meta",
        Table::Nodes => "nodes",
    })
}
