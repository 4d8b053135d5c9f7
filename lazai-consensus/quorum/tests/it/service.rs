//! A quorum takes a dataset, judges it, reruns workflows, audits its members and hands over to the
//! next.

use alloy_primitives::B256;
use lazai_api_types::{Coprocessor, InferenceStatement, Job, ModelId, Task};
use lazai_consensus::{Attestation, Fact};
use lazai_quorum::{Command, Request, Verdict};

use crate::cluster::{Cluster, Counter, Grader, data};
use crate::support::{attestation, checkpoint};

/// Asserts that all members have the certificate, and gives the time of the first and of the last
/// in network delays.
fn delays(cluster: &Cluster, attestation: &Attestation, start_ms: u64) -> (f64, f64) {
    let times: Vec<_> = (0..cluster.nodes.len())
        .map(|index| {
            let certified = cluster.certificate(index, attestation);
            let (time, certificate) =
                certified.unwrap_or_else(|| panic!("member {index} has none"));
            certificate.verify(attestation, &cluster.committee).unwrap();
            time
        })
        .collect();
    let in_delays = |ms: u64| (ms - start_ms) as f64 / cluster.delay_ms as f64;
    (in_delays(*times.iter().min().unwrap()), in_delays(*times.iter().max().unwrap()))
}

fn quiet(cluster: &Cluster) {
    for node in &cluster.nodes {
        assert!(node.faults.is_empty(), "{:?}", node.faults);
        assert!(node.convicted.is_empty(), "{:?}", node.convicted);
        assert!(node.blocked.is_empty(), "{:?} {:?}", node.blocked, node.refusals);
    }
}

#[test]
fn certificates_take_two_delays() {
    for members in [4, 7] {
        let mut cluster = Cluster::new(members);
        let start = cluster.now_ms;
        let (stored, _) = cluster.offer(20_000);
        cluster.run_for(2_000);
        let (first, last) = delays(&cluster, &stored, start);
        println!("n={members} available first={first} last={last}");
        assert_eq!((first, last), (2.0, 2.0));

        let start = cluster.now_ms;
        let Fact::Available { dataset, version, root, .. } = stored.fact else { unreachable!() };
        let policy = B256::repeat_byte(0x70);
        let valid = attestation(Fact::Valid { dataset, version, root, policy, score: 40 });
        cluster.command(1, Command::Ask(Request::valid(valid).unwrap()));
        cluster.run_for(2_000);
        let (first, last) = delays(&cluster, &valid, start);
        println!("n={members} valid first={first} last={last}");
        // One to ask, two to get shards from others, one to vote.
        assert_eq!((first, last), (4.0, 4.0));

        let start = cluster.now_ms;
        let job = Job {
            model: ModelId(B256::repeat_byte(1)),
            task: Task::Count { text: "so many characters".into() },
        };
        let outcome = Counter.run(&job).unwrap();
        let run = InferenceStatement {
            model: job.model,
            input: job.hash(),
            output: outcome.output.hash(),
            work: outcome.work,
            context: B256::repeat_byte(2),
        };
        let workflow = attestation(Fact::Workflow { run });
        cluster.command(2, Command::Ask(Request::workflow(workflow, job.clone()).unwrap()));
        cluster.run_for(2_000);
        let (first, last) = delays(&cluster, &workflow, start);
        println!("n={members} workflow first={first} last={last}");
        assert_eq!((first, last), (2.0, 2.0));

        // A false claim gets no votes.
        let text = Task::Count { text: "another".into() };
        let job = Job { task: text, ..job };
        let run = InferenceStatement { input: job.hash(), ..run };
        let workflow = attestation(Fact::Workflow { run });
        cluster.command(2, Command::Ask(Request::workflow(workflow, job).unwrap()));
        cluster.run_for(2_000);
        for node in &cluster.nodes {
            assert_eq!(node.withheld, [(workflow, Verdict::Reject)]);
        }
        // What all know needs no request.
        let start = cluster.now_ms;
        for index in 0..members {
            cluster.command(index, Command::Attest(checkpoint(7, 7)));
        }
        cluster.run_for(1_000);
        assert_eq!(delays(&cluster, &checkpoint(7, 7), start), (1.0, 1.0));
        quiet(&cluster);
    }
}

#[test]
fn members_of_different_opinions_agree_on_the_grade_that_enough_of_them_grant() {
    let mut cluster = Cluster::new(4);
    cluster.grade_by(|index| Grader([90, 60, 70, 0][index]));
    let (stored, _) = cluster.offer(20_000);
    cluster.run_for(2_000);
    let Fact::Available { dataset, root, .. } = stored.fact else { unreachable!() };
    let policy = B256::repeat_byte(0x70);
    let valid = |version, score| attestation(Fact::Valid { dataset, version, root, policy, score });
    for (version, score, is_granted) in [(1, 60, true), (2, 61, false)] {
        let valid = valid(version, score);
        cluster.command(0, Command::Ask(Request::valid(valid).unwrap()));
        cluster.run_for(5_000);
        for index in 0..4 {
            assert_eq!(cluster.certificate(index, &valid).is_some(), is_granted, "{score}");
        }
    }
    quiet(&cluster);
}

#[test]
fn large_datasets_are_pulled_and_can_be_read_without_two_members() {
    let mut cluster = Cluster::new(4);
    let bytes = data(400_000);
    let (stored, _) = cluster.offer(bytes.len());
    cluster.run_for(6_000);
    delays(&cluster, &stored, 0);
    let Fact::Available { root, .. } = stored.fact else { unreachable!() };
    cluster.stop(0);
    cluster.stop(3);
    cluster.command(1, Command::Read { root });
    cluster.run_for(20_000);
    assert_eq!(cluster.nodes[1].read, [(root, Ok(bytes))]);
}

#[test]
fn lost_messages_are_sent_again() {
    for loss in [10, 30, 50] {
        let mut cluster = Cluster::new(4);
        cluster.loss_percent = loss;
        let (stored, _) = cluster.offer(60_000);
        cluster.run_for(60_000);
        let (first, last) = delays(&cluster, &stored, 1_000);
        println!("loss={loss}% first={first} last={last}");
        quiet(&cluster);
    }
}

#[test]
fn memory_does_not_grow_with_time() {
    let mut cluster = Cluster::new(4);
    let (stored, _) = cluster.offer(20_000);
    cluster.run_for(300_000);
    delays(&cluster, &stored, 0);
    for index in 0..4 {
        assert_eq!(cluster.member(index).load(), [1, 1, 0, 0, 0]);
    }
}
