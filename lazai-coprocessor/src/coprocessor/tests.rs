use core::{ptr, time::Duration};
use std::{
    sync::{Barrier, mpsc},
    thread,
};

use lazai_api_types::{Coprocessor, Job, Prompt, Task};

use super::Cpu;
use crate::{
    artifact::{Artifact, ArtifactBytes},
    kernel::Threads,
    model::synthetic,
    program::LlamaShape,
};

fn blocks() -> Cpu {
    let shape = LlamaShape {
        vocabulary: 258,
        hidden: 64,
        intermediate: 96,
        heads: 4,
        kv_heads: 2,
        head_dim: 16,
        tied: false,
    };
    let bytes = synthetic(&shape, 2, 64, 11).unwrap().to_bytes().unwrap();
    let artifact = Artifact::new(ArtifactBytes::Owned(bytes)).unwrap();
    let threads = Threads::new(2).unwrap();
    Cpu::builder().threads(threads).load(artifact).unwrap().build().unwrap()
}

/// Callers of the RPC interface cannot delay a block: their pool is not the pool of blocks.
#[test]
fn a_job_of_a_block_ends_while_all_queries_are_held_up() {
    let blocks = blocks();
    let queries = blocks.with_threads(Threads::new(2).unwrap());
    let id = blocks.models().next().unwrap();
    assert!(ptr::eq(blocks.model(id).unwrap(), queries.model(id).unwrap()), "loaded twice");

    let prompt = Prompt::Text("Once upon a time".to_owned());
    let job = Job { model: id, task: Task::Logits { prompt } };
    let (entered, release) = (Barrier::new(2), Barrier::new(2));
    let (answers, answered) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            queries.threads.install(|| {
                entered.wait();
                release.wait();
            });
        });
        entered.wait();
        for (who, device) in [("query", &queries), ("query", &queries), ("block", &blocks)] {
            let (answers, job) = (answers.clone(), &job);
            scope.spawn(move || answers.send((who, device.run(job).unwrap())));
        }
        // A minute is for ever: the job takes less than a millisecond.
        let first = answered.recv_timeout(Duration::from_secs(60));
        let early = answered.try_recv().is_ok();
        release.wait();
        let (who, outcome) = first.expect("the job of the block waits for a query");
        assert_eq!((who, early), ("block", false));
        for _ in 0..2 {
            assert_eq!(answered.recv().unwrap(), ("query", outcome.clone()));
        }
    });
}
