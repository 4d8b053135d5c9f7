use alloc::collections::BTreeSet;

/// Of what a chain has: models, or proof systems.
///
/// What is listed and not on a machine is a fault of that machine, which abstains; what is not
/// listed does not exist, on any machine, whatever files it has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Listing<T> {
    /// What this machine has, and nothing else. For a machine on its own: of several, each that
    /// lacks something would have other receipts.
    #[default]
    Local,
    /// These and no others, on every machine.
    Only(BTreeSet<T>),
}

impl<T: Ord> Listing<T> {
    /// Tells whether `item` exists; none if that is for the machine to say.
    pub fn has(&self, item: &T) -> Option<bool> {
        match self {
            Self::Local => None,
            Self::Only(items) => Some(items.contains(item)),
        }
    }
}

impl<T: Ord> FromIterator<T> for Listing<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Only(items.into_iter().collect())
    }
}
