use core::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use std::{sync::Arc, time::SystemTime};

use commonware_consensus::{
    Application, Epochable, Viewable, marshal::ancestry::Ancestry, simplex::types::Context,
};
use commonware_cryptography::Digested;
use futures::{StreamExt, future};
use lazai_api_types::chain::{Block, BlockContext, MAX_PAYLOAD_BYTES};

use crate::engine::{
    Digest, Environment, Identity, Scheme,
    block::{ChainBlock, to_b256},
    directory::Directory,
    execution::{Execution, Opinion},
};

/// Builds and judges blocks for the engine, by asking the executor.
#[derive(Clone, Debug)]
pub(super) struct ChainApplication {
    pub(super) directory: Directory,
    pub(super) execution: Execution,
    /// The height of the highest block that is known to be final.
    pub(super) tip: Arc<AtomicU64>,
}

impl<E: Environment> Application<E> for ChainApplication {
    type SigningScheme = Scheme;
    type Context = Context<Digest, Identity>;
    type Block = ChainBlock;
    type Input = ();

    async fn propose(
        &mut self,
        (environment, context): (E, Self::Context),
        mut ancestry: impl Ancestry<ChainBlock>,
        (): (),
    ) -> Option<Digested<ChainBlock>> {
        let parent = ancestry.next().await?;
        let pending = self.pending(&environment, parent.clone(), ancestry).await?;
        let parent = &parent.inner().block;
        let (epoch, view) = (context.epoch().get(), context.view().get());
        let built = BlockContext {
            height: parent.height.checked_add(1)?,
            epoch,
            parent: to_b256(&context.parent.1),
            proposer: self.directory.committee(epoch)?.seat(&context.leader)?,
            timestamp_ms: now_ms(&environment).max(parent.timestamp_ms.checked_add(1)?),
        };
        let views = (view, context.parent.0.get());
        let execution = self.execution.clone();
        let built = environment.child("build").shared(true).spawn(move |_| async move {
            execution.build(pending, views, &built, MAX_PAYLOAD_BYTES)
        });
        Some(ChainBlock::new(built.await.ok()??, self.directory.clone()))
    }

    async fn verify(
        &mut self,
        (environment, _): (E, Self::Context),
        ancestry: impl Ancestry<ChainBlock>,
    ) -> bool {
        match self.judge(environment, ancestry).await {
            Some(verdict) => verdict,
            // To abstain is to stay silent.
            None => future::pending().await,
        }
    }
}

impl ChainApplication {
    /// Returns whether the first block of an ancestry is valid; `None` if this node cannot tell.
    async fn judge<E: Environment>(
        &self,
        environment: E,
        mut ancestry: impl Ancestry<ChainBlock>,
    ) -> Option<bool> {
        let block = ancestry.next().await?;
        let parent = ancestry.next().await?;
        let timestamp_ms = block.inner().block.timestamp_ms;
        if timestamp_ms <= parent.inner().block.timestamp_ms {
            return Some(false);
        }
        // A block from the future becomes valid when its time comes; until then nothing is said.
        let early = timestamp_ms.saturating_sub(MAX_DRIFT_MS);
        if let Some(wait) = early.checked_sub(now_ms(&environment)).filter(|wait| *wait > 0) {
            environment.sleep(Duration::from_millis(wait)).await;
        }
        let pending = self.pending(&environment, parent, ancestry).await?;
        let execution = self.execution.clone();
        let validated = environment
            .child("validate")
            .shared(true)
            .spawn(move |_| async move { execution.validate(pending, &block.inner().block) });
        match validated.await.ok()? {
            Opinion::Abstain => None,
            Opinion::Invalid => Some(false),
            Opinion::Valid => Some(true),
        }
    }

    /// Returns `parent` and its ancestors above the committed block, ascending. Waits while there
    /// are too many of them and this node is catching up.
    async fn pending<E: Environment>(
        &self,
        environment: &E,
        parent: Digested<ChainBlock>,
        mut ancestry: impl Ancestry<ChainBlock>,
    ) -> Option<Vec<Block>> {
        let mut committed = self.execution.committed().ok()?.0;
        let height = parent.inner().block.height;
        while must_catch_up(height, committed, self.tip.load(Ordering::Relaxed)) {
            environment.sleep(CATCH_UP_PAUSE).await;
            committed = self.execution.committed().ok()?.0;
        }
        let mut pending = Vec::new();
        let mut next = Some(parent);
        while let Some(block) = next {
            let block = &block.inner().block;
            if block.height <= committed {
                break;
            }
            pending.push(block.clone());
            if block.height == committed.saturating_add(1) {
                break;
            }
            next = ancestry.next().await;
        }
        pending.reverse();
        Some(pending)
    }
}

/// Returns whether the executor has final blocks to commit before it is handed the ancestors of a
/// block above `height`.
///
/// Where all that is final is committed there is nothing to wait for, however many blocks are open:
/// only views that go on make any of them final.
const fn must_catch_up(height: u64, committed: u64, tip: u64) -> bool {
    height.saturating_sub(committed) > MAX_PENDING_BLOCKS && committed < tip
}

fn now_ms<E: Environment>(environment: &E) -> u64 {
    let now = environment.current().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}

/// Most milliseconds that the clock of a proposer may be ahead of this node's.
const MAX_DRIFT_MS: u64 = 500;
/// Most open ancestors that the executor is handed while it has final blocks to commit.
const MAX_PENDING_BLOCKS: u64 = 256;
const CATCH_UP_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_final_is_waited_for() {
        let many = MAX_PENDING_BLOCKS + 1;
        // Few are open; many, but most of them are final; and many of which none is.
        assert!(!must_catch_up(10 + MAX_PENDING_BLOCKS, 10, 400));
        assert!(must_catch_up(10 + many, 10, 11));
        assert!(!must_catch_up(10 + many, 10, 10));
    }
}
