//! A simulated disk that loses changes that were not synced.

use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};
use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use super::disk::Disk;

/// A simulated disk. Clones share its state.
#[derive(Clone, Debug, Default)]
pub(super) struct SimulatedDisk(Arc<Mutex<State>>);

#[derive(Clone, Debug, Default)]
struct State {
    /// Files and folders (`None`) by path, as programs see them.
    names: BTreeMap<PathBuf, Option<usize>>,
    /// The same, as durably stored.
    synced_names: BTreeMap<PathBuf, Option<usize>>,
    /// Atomic changes of names that are not durable yet: the new meaning of each name, or `None` if
    /// it is removed.
    pending: Vec<Vec<Change>>,
    files: Vec<Contents>,
    steps: u64,
    /// The number of the step that fails, and its failure.
    fault: Option<(u64, Fault)>,
    is_down: bool,
    /// Report every sync as done without doing it.
    ignores_syncs: bool,
}

type Change = (PathBuf, Option<Option<usize>>);

#[derive(Clone, Debug, Default)]
struct Contents {
    bytes: Vec<u8>,
    synced: Option<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fault {
    /// The machine stops before this step; all further steps fail.
    Crash,
    /// This step alone fails.
    Error,
}

impl SimulatedDisk {
    pub(super) fn fail_at(&self, step: u64, fault: Fault) {
        let mut state = self.state();
        state.fault = Some((state.steps + step, fault));
    }

    pub(super) fn lie(&self) {
        self.state().ignores_syncs = true;
    }

    pub(super) fn steps(&self) -> u64 {
        self.state().steps
    }

    pub(super) fn is_down(&self) -> bool {
        self.state().is_down
    }

    /// Restarts the machine. Each change that was not synced survives or not, as drawn from `seed`.
    pub(super) fn restart(&self, seed: u64) {
        let mut state = self.state();
        let mut random = seed | 1;
        let mut toss = move |sides: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random >> 20) % sides
        };
        let pending = core::mem::take(&mut state.pending);
        for change in pending {
            if toss(2) == 0 {
                state.settle(change);
            }
        }
        state.names = state.synced_names.clone();
        for file in &mut state.files {
            if let Some(synced) = &file.synced {
                file.bytes = synced.clone();
            } else {
                // A prefix survives, perhaps followed by zeros.
                let length = file.bytes.len();
                let kept = usize::try_from(toss(length as u64 + 1)).unwrap();
                file.bytes.truncate(kept);
                if toss(2) == 0 {
                    file.bytes.resize(length, 0);
                }
            }
            file.synced = Some(file.bytes.clone());
        }
        (state.fault, state.is_down) = (None, false);
    }

    /// Flips a bit of a file.
    pub(super) fn rot(&self, path: &Path, bit: usize) {
        let mut state = self.state();
        let file = state.names[path].unwrap();
        let byte = &mut state.files[file].bytes[bit / 8];
        *byte ^= 1 << (bit % 8);
    }

    pub(super) fn all_names(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn step(&self) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        let step = state.steps;
        state.steps += 1;
        if state.is_down {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        match state.fault {
            Some((at, fault)) if at == step => {
                state.is_down = fault == Fault::Crash;
                Err(io::Error::other("injected"))
            }
            _ => Ok(state),
        }
    }
}

impl State {
    fn change(&mut self, change: Vec<Change>) {
        for (path, stands_for) in &change {
            match stands_for {
                Some(entry) => self.names.insert(path.clone(), *entry),
                None => self.names.remove(path),
            };
        }
        self.pending.push(change);
    }

    fn settle(&mut self, change: Vec<Change>) {
        for (path, stands_for) in change {
            match stands_for {
                Some(entry) => {
                    // A name is lost with its folder.
                    let parent = path.parent().unwrap();
                    if parent == Path::new("/") || self.synced_names.contains_key(parent) {
                        self.synced_names.insert(path, entry);
                    }
                }
                None => self.synced_names.retain(|name, _| !name.starts_with(&path)),
            }
        }
    }

    fn file(&self, path: &Path) -> io::Result<usize> {
        let found = self.names.get(path).copied().flatten();
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for SimulatedDisk {
    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        if !state.names.contains_key(path) {
            state.change(vec![(path.into(), Some(None))]);
        }
        Ok(())
    }

    fn write(&self, path: &Path, parts: &[&[u8]]) -> io::Result<()> {
        let mut state = self.step()?;
        assert!(state.names.contains_key(path.parent().unwrap()), "{path:?} has no folder");
        state.files.push(Contents { bytes: parts.concat(), synced: None });
        let file = state.files.len() - 1;
        state.change(vec![(path.into(), Some(Some(file)))]);
        Ok(())
    }

    fn sync_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        let file = state.file(path)?;
        if !state.ignores_syncs {
            state.files[file].synced = Some(state.files[file].bytes.clone());
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        let file = state.file(from)?;
        let (appears, goes) = ((to.into(), Some(Some(file))), (from.into(), None));
        // Renames are atomic within a folder; across folders some file systems give no such
        // guarantee.
        if from.parent() == to.parent() {
            state.change(vec![appears, goes]);
        } else {
            state.change(vec![appears]);
            state.change(vec![goes]);
        }
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        if !state.ignores_syncs {
            let pending = core::mem::take(&mut state.pending);
            for change in pending {
                if change.iter().any(|(name, _)| name.parent() == Some(path)) {
                    state.settle(change);
                } else {
                    state.pending.push(change);
                }
            }
        }
        Ok(())
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Option<Vec<u8>>> {
        let state = self.step()?;
        let Ok(file) = state.file(path) else { return Ok(None) };
        let bytes = &state.files[file].bytes;
        Ok(Some(bytes[..bytes.len().min(usize::try_from(most).unwrap())].to_vec()))
    }

    fn names(&self, path: &Path) -> io::Result<Vec<String>> {
        let state = self.step()?;
        let inside = state.names.keys().filter(|name| name.parent() == Some(path));
        Ok(inside.map(|name| name.file_name().unwrap().to_str().unwrap().into()).collect())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step()?;
        if !state.names.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let inside: Vec<_> =
            state.names.keys().filter(|name| name.starts_with(path)).cloned().collect();
        for name in inside.into_iter().rev() {
            state.change(vec![(name, None)]);
        }
        Ok(())
    }
}
