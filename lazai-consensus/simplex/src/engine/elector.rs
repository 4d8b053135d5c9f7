use std::sync::Arc;

use commonware_consensus::{
    simplex::elector::{Config, Elector, Scheduled, Terms},
    types::{Participant, Round},
};
use commonware_utils::ordered::Set;
use lazai_consensus::chain::LeaderSchedule;

use crate::engine::{Identity, Scheme};

/// Adapts the stake-weighted leader schedule of an epoch to the engine.
#[derive(Clone, Debug)]
pub(super) struct SeatElector(pub(super) Arc<LeaderSchedule>);

impl Config<Scheme> for SeatElector {
    type Elector = Self;

    fn build(self, _: &Set<Identity>) -> Self {
        // The schedule was made of the same seats in the same order.
        self
    }
}

impl Elector<Scheme> for SeatElector {
    type Mode = Scheduled;

    fn terms(&self) -> Terms {
        Terms::rotating()
    }

    fn elect(&self, round: Round, (): ()) -> Participant {
        Participant::from_usize(self.0.leader(round.view().get()))
    }
}
