use alloc::sync::Arc;

use commonware_consensus::{
    simplex::elector::{Config, Elector, Scheduled, Terms},
    types::{Participant, Round},
};
use commonware_cryptography::certificate::Scheme;
use commonware_utils::ordered::Set;

use super::Twins;

/// Elects the leaders of a script, and then all nodes in turn.
#[derive(Clone, Debug)]
pub(super) struct Leaders {
    pub(super) nodes: u16,
    pub(super) twins: Arc<Twins>,
}

impl<S: Scheme> Config<S> for Leaders {
    type Elector = Self;

    fn build(self, _participants: &Set<S::PublicKey>) -> Self {
        self
    }
}

impl<S: Scheme> Elector<S> for Leaders {
    type Mode = Scheduled;

    fn terms(&self) -> Terms {
        Terms::rotating()
    }

    fn elect(&self, round: Round, (): ()) -> Participant {
        let view = round.view().get();
        let seat = self.twins.round(view).map_or_else(
            || u32::try_from(view % u64::from(self.nodes.max(1))).unwrap_or_default(),
            |round| u32::from(round.leader),
        );
        Participant::new(seat)
    }
}
