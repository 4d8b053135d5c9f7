use alloc::collections::{BTreeMap, BTreeSet};

use alloy_primitives::Address;

/// What the transactions of senders used in vain.
///
/// What a known sender fails with is taken off what it has executed, and stays so: where too many
/// have spent something to be remembered, all have spent as much as those that are forgotten. What
/// a new sender fails with
/// is owed, and [`FORGIVEN`] gas of it with each block is not: all debts shrink alike, so each is
/// kept as the moment at which it ends, in gas that is forgiven until then.
#[derive(Debug, Default)]
pub(super) struct Standing {
    spent: Ledger,
    /// The most that a sender has spent who is forgotten.
    spent_by_all: u64,
    ends: Ledger,
}

impl Standing {
    /// Counts `gas` of a sender that is known.
    pub(super) fn spend(&mut self, sender: Address, gas: u64) {
        let forgotten = self.spent.set(sender, self.spent(&sender).saturating_add(gas));
        self.spent_by_all = self.spent_by_all.max(forgotten);
    }

    /// Counts `gas` of a sender that is new in `block`.
    pub(super) fn owe(&mut self, sender: Address, gas: u64, block: u64) {
        let from = self.ends.of(&sender).max(moment(block));
        let _ = self.ends.set(sender, from.saturating_add(gas));
    }

    /// Takes back `gas` of what a sender used in vain, as of `block`.
    pub(super) fn pay(&mut self, sender: &Address, gas: u64, block: u64) {
        let owed = self.owed(sender, block);
        let end = match owed.saturating_sub(gas) {
            0 => 0,
            rest => moment(block).saturating_add(rest),
        };
        let _ = self.ends.set(*sender, end);
        let rest = gas.saturating_sub(owed);
        let _ = self.spent.set(*sender, self.spent.of(sender).saturating_sub(rest));
    }

    /// Returns what `sender` owes in `block`.
    pub(super) fn owed(&self, sender: &Address, block: u64) -> u64 {
        self.ends.of(sender).saturating_sub(moment(block))
    }

    /// Returns what `sender` has spent of what it has executed.
    pub(super) fn spent(&self, sender: &Address) -> u64 {
        self.spent.of(sender).max(self.spent_by_all)
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 2] {
        [&self.spent, &self.ends].map(|ledger| {
            assert_eq!(ledger.amounts.len(), ledger.order.len());
            ledger.amounts.len()
        })
    }
}

/// An amount for each sender.
#[derive(Debug, Default)]
struct Ledger {
    amounts: BTreeMap<Address, u64>,
    order: BTreeSet<(u64, Address)>,
}

impl Ledger {
    fn of(&self, sender: &Address) -> u64 {
        self.amounts.get(sender).copied().unwrap_or_default()
    }

    /// Sets an amount. Of too many the smallest is forgotten, and returned.
    fn set(&mut self, sender: Address, amount: u64) -> u64 {
        if let Some(before) = self.amounts.remove(&sender) {
            self.order.remove(&(before, sender));
        }
        if amount > 0 {
            self.amounts.insert(sender, amount);
            self.order.insert((amount, sender));
        }
        if self.order.len() > MAX_SENDERS
            && let Some((amount, smallest)) = self.order.pop_first()
        {
            self.amounts.remove(&smallest);
            return amount;
        }
        0
    }
}

const fn moment(block: u64) -> u64 {
    block.saturating_mul(FORGIVEN)
}

/// Gas of a debt that is forgiven with each block. New senders who would use a whole block's gas in
/// vain, block after block, and wait meanwhile, have to be so many that to fund them costs more
/// than 40 blocks have.
pub(super) const FORGIVEN: u64 = 500;

pub(super) const MAX_SENDERS: usize = 65_536;
