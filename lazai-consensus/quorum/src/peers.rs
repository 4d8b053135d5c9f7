use alloc::collections::BTreeMap;

use alloy_primitives::Address;

use super::{Limits, Refusal};

/// The traffic and the penalties of each peer. The memory depends on the number of members alone.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    peers: BTreeMap<Address, Peer>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Peer {
    window_start_ms: u64,
    messages: u64,
    bytes: u64,
    /// Bytes that were sent to it on its request.
    served: u64,
    penalty: u32,
    is_blocked: bool,
}

impl Peers {
    /// Charges a message to its sender, before anyone looks at it.
    pub(super) fn charge(
        &mut self,
        peer: Address,
        bytes: usize,
        now_ms: u64,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let state = self.peers.entry(peer).or_default();
        if state.is_blocked {
            return Err(Refusal::Blocked { peer });
        }
        if now_ms.saturating_sub(state.window_start_ms) >= limits.window_ms {
            // A window forgives one nuisance, so that an honest member is never blocked for its
            // age.
            *state = Peer {
                window_start_ms: now_ms,
                penalty: state.penalty.saturating_sub(super::refusal::NUISANCE),
                ..Peer::default()
            };
        }
        state.messages = state.messages.saturating_add(1);
        state.bytes = state.bytes.saturating_add(bytes as u64);
        if state.messages > limits.messages_per_window {
            let max = limits.messages_per_window;
            return Err(Refusal::Flood { peer, unit: "messages", max });
        }
        if state.bytes > limits.bytes_per_window {
            return Err(Refusal::Flood { peer, unit: "bytes", max: limits.bytes_per_window });
        }
        Ok(())
    }

    /// Charges an answer to the peer that asks for it, before it is made: a short question may have
    /// a long one.
    pub(super) fn serve(
        &mut self,
        peer: Address,
        bytes: u64,
        limits: &Limits,
    ) -> Result<(), Refusal> {
        let state = self.peers.entry(peer).or_default();
        let (served, max) = (state.served.saturating_add(bytes), limits.bytes_per_window);
        // One answer is always given.
        if state.served > 0 && served > max {
            return Err(Refusal::Quota { peer, unit: "bytes asked for in a window", max });
        }
        state.served = served;
        Ok(())
    }

    /// Adds penalty points. Returns whether the peer is to be blocked, which is said once.
    pub(super) fn penalize(&mut self, peer: Address, points: u32, limits: &Limits) -> bool {
        let Some(state) = self.peers.get_mut(&peer) else { return false };
        state.penalty = state.penalty.saturating_add(points);
        let is_new = !state.is_blocked && points > 0 && state.penalty >= limits.block_at;
        state.is_blocked |= is_new;
        is_new
    }

    pub(super) fn penalty(&self, peer: Address) -> u32 {
        self.peers.get(&peer).map_or(0, |peer| peer.penalty)
    }

    /// Forgets peers that are members no more.
    pub(super) fn retain(&mut self, is_member: impl Fn(Address) -> bool) {
        self.peers.retain(|peer, _| is_member(*peer));
    }
}
