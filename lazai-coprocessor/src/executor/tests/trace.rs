//! The executor on every back end, operator by operator, beside the trace of the same run.

use super::{
    super::{
        arena::{Arena, Slot},
        part::Part,
        sequence::Sequence,
        step::Step,
    },
    batch::{bidirectional, decoder, encoder, load},
    *,
};
use crate::{
    architecture::{Architecture, Biases, Pooling},
    kernel::HeadCache,
    program::{Plan, Rows, ValueId},
    trace::{CacheTensors, Compressed, Input, Trace},
};

/// Llama's choices with heads that share keys, and Qwen's with normalized heads.
fn decoders() -> [Architecture; 3] {
    let shape = LlamaShape {
        vocabulary: 300,
        hidden: 40,
        intermediate: 56,
        heads: 6,
        kv_heads: 2,
        head_dim: 10,
        tied: false,
    };
    let llama = shape.architecture(2, 64);
    let biases = Biases { query_key_value: true, ..llama.biases };
    let qwen = Architecture { head_norm: true, biases, ..llama.clone() };
    [llama, qwen, Architecture { head_norm: false, ..decoder() }]
}

fn slot(arena: &mut Arena, model: &Model, rows: Rows, id: ValueId) -> Vec<i32> {
    let [slot] = arena.slots(&model.manifest().program, rows, [id]).unwrap();
    match slot {
        Slot::I16(elements) => elements.iter().map(|x| i32::from(*x)).collect(),
        Slot::I32(elements) => elements.to_vec(),
    }
}

fn assert_head(side: &Compressed, head: usize, elements: &[i8], exponents: &[u8]) {
    for (row, elements) in elements.chunks_exact(side.head_dim).enumerate() {
        let vector = row * side.heads + head;
        let expected = &side.integers[vector * side.head_dim..][..side.head_dim];
        assert!(elements.iter().map(|x| i32::from(*x)).eq(expected.iter().copied()));
        assert_eq!(i32::from(exponents[row]), side.exponents[vector]);
    }
    assert_eq!(side.rows, exponents.len());
}

fn assert_cache(sequence: &Sequence, expected: &CacheTensors) {
    let store = sequence.caches[expected.cache.index()].as_ref().unwrap();
    for head in 0..expected.keys.heads {
        let HeadCache { keys, key_exponents, values, value_exponents } =
            store.head(head, expected.keys.rows);
        assert_head(&expected.keys, head, keys, key_exponents);
        assert_head(&expected.values, head, values, value_exponents);
    }
}

/// Runs the executor's operators one at a time and asserts what the trace recorded.
fn assert_same(model: &Model, target: Target, tokens: &[u32], outputs: usize, backend: Backend) {
    let trace = Trace::record(model.network(), target, Input::Tokens(tokens), outputs).unwrap();
    let program = &model.manifest().program;
    let rows = trace.rows;
    let plan = Plan::new(program, target, rows).unwrap();
    assert!(trace.records.iter().map(|record| &record.operator).eq(&plan.schedule));
    let mut sequences = [Some(Sequence::new(program, &plan, tokens.len()).unwrap())];
    let mut arena = Arena::new(plan).unwrap();
    let (count, threads) = (tokens.len(), Threads::new(2).unwrap());
    let parts = [Part { sequence: 0, start: 0, count, outputs, first: 0 }];
    for record in &trace.records {
        let operator = &program.operators[record.operator];
        for read in &record.reads {
            assert_eq!(slot(&mut arena, model, rows, read.value), *read.integers);
        }
        let mut step = Step {
            model,
            backend,
            threads: &threads,
            arena: &mut arena,
            sequences: &mut sequences,
            rows,
            parts: &parts,
            tokens,
        };
        step.operate(program, record.operator, operator).unwrap();
        let name = operator.name();
        assert_eq!(record.write.as_ref().map(|write| write.value), operator.writes(), "{name}");
        if let Some(write) = &record.write {
            assert_eq!(slot(&mut arena, model, rows, write.value), *write.integers, "{name}");
            assert_eq!(write.integers.len(), write.rows * write.width);
            assert_eq!(write.rows as u64, rows.of(program.values[write.value.index()].rows));
        }
        assert_eq!(record.cache.is_some(), operator.fills().or(operator.attends()).is_some());
        if let Some(cache) = &record.cache {
            assert_cache(sequences[0].as_ref().unwrap(), cache);
        }
        assert!(record.reads.iter().map(|read| read.value).eq(operator.reads()));
    }
    let id = program.output(target).unwrap();
    assert_eq!(slot(&mut arena, model, rows, id), *trace.output().integers);
}

#[test]
fn a_trace_holds_what_the_executor_computes() {
    for architecture in decoders() {
        let model = load(&architecture);
        for backend in [Backend::Scalar, Backend::detect()] {
            assert_same(&model, Target::Logits, &tokens(23, 1), 3, backend);
            assert_same(&model, Target::Embedding, &tokens(17, 2), 1, backend);
        }
        assert_same(&model, Target::Logits, &[7], 1, Backend::detect());
    }
    for pooling in [Pooling::First, Pooling::Last, Pooling::Mean] {
        for architecture in [encoder(pooling), bidirectional(pooling)] {
            let model = load(&architecture);
            assert_same(&model, Target::Embedding, &tokens(23, 3), 1, Backend::detect());
        }
    }
    let model = load(&Architecture { pooling: Pooling::Last, ..decoders()[0].clone() });
    assert_same(&model, Target::Embedding, &tokens(23, 3), 1, Backend::detect());
}

#[test]
fn a_trace_ends_as_a_session_does() {
    let architectures = [&decoders()[..], &[encoder(Pooling::Mean)]].concat();
    for architecture in architectures {
        let model = load(&architecture);
        let tokens = tokens(50, 4);
        for target in [Target::Logits, Target::Embedding] {
            let input = Input::Tokens(&tokens);
            if !model.supports(target) {
                assert!(Trace::record(model.network(), target, input, 1).is_err());
                continue;
            }
            let outputs = if target == Target::Logits { 50 } else { 1 };
            let trace = Trace::record(model.network(), target, input, outputs).unwrap();
            let threads = Threads::single();
            let mut session =
                Session::new(&model, target, 50, outputs, Backend::detect(), &threads).unwrap();
            session.feed(&tokens, outputs).unwrap();
            let expected: Vec<i32> = match target {
                Target::Logits => session.logits().unwrap().to_vec(),
                Target::Embedding => {
                    session.embedding().unwrap().iter().map(|x| i32::from(*x)).collect()
                }
            };
            assert_eq!(*trace.output().integers, expected);
        }
    }
}
