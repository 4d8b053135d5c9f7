use std::{sync::Arc, time::Instant};

use alloy_primitives::{Address, B256};
use lazai_api_types::{
    Claim, GuardedVerifier, InferenceStatement, ProofSystem, ProofVerifier, key_hash,
};

use crate::{
    chain::Chain,
    error::Error,
    hidden::Hidden,
    linear,
    open::Open,
    options::Options,
    report::{Report, Step},
};

/// A statement with its proof, ready to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Proved {
    pub(crate) key: Vec<u8>,
    pub(crate) statement: InferenceStatement,
    pub(crate) proof: Vec<u8>,
}

/// Runs the demonstration.
pub(crate) fn swap(options: &Options) -> Result<Report, Error> {
    let Options { weights, input, seed, .. } = options;
    let (features, weight_count) = (input.len(), weights.len());
    let unanswered = || Error::Unanswered { weights: weight_count, features };
    let answer = linear::run(weights, input).ok_or_else(unanswered)?;
    let mut chain = Chain::start(vec![Arc::new(Open), Arc::new(Hidden::default())])?;
    let prover = Hidden { weights: weights.clone(), seed: *seed };
    let open = |context| open(weights, input, context).ok_or_else(unanswered);
    let hidden = |context| hidden(&prover, input, context);
    let steps = vec![
        step(&mut chain, "open model, run again", &Open, open)?,
        step(&mut chain, "hidden model, sigma protocol", &Hidden::default(), hidden)?,
    ];
    let (contract, deployment_gas) = (chain.contract, chain.deployment_gas);
    Ok(Report { input: input.clone(), answer, contract, deployment_gas, steps })
}

/// Proves that the model with these open weights answers `input`.
pub(crate) fn open(weights: &[i32], input: &[u32], context: B256) -> Option<Proved> {
    let (statement, proof) = Open::prove(weights, input, context)?;
    Some(Proved { key: Open::key(weights), statement, proof })
}

/// Proves that the model with these hidden weights answers `input`.
pub(crate) fn hidden(prover: &Hidden, input: &[u32], context: B256) -> Result<Proved, Error> {
    let answer = linear::run(&prover.weights, input);
    let (weights, features) = (prover.weights.len(), input.len());
    let answer = answer.ok_or(Error::Unanswered { weights, features })?;
    let key = prover.prepare(&linear::job(linear::model(&[]), input))?;
    let model = linear::model(prover.key(&key));
    let statement = linear::statement(model, input, answer, context);
    let proof = prover.prove(&key, &linear::job(model, input), &statement)?;
    Ok(Proved { key, statement, proof })
}

/// Lets the contract use `verifier`, proves, submits, and tries what must be refused.
fn step(
    chain: &mut Chain,
    name: &'static str,
    verifier: &dyn ProofVerifier,
    prove: impl Fn(B256) -> Result<Proved, Error>,
) -> Result<Step, Error> {
    let (system, context) = (verifier.id(), chain.context()?);
    let start = Instant::now();
    let Proved { key, statement, proof } = prove(context)?;
    let prove_time = start.elapsed();

    let choose_gas = chain.choose(system, &key)?.gas_used();
    let refused = attack(chain, &prove, &statement, &proof)?;
    let quoted_gas = chain.price(0, proof.len() as u64)?;
    let submit_gas = chain.submit(&statement, &proof)?.gas_used();
    let output = chain.output(system, &key, statement.input)?;
    let start = Instant::now();
    let native = GuardedVerifier::new(verifier).verify(&key, Claim::Statement(&statement), &proof);
    let verify = start.elapsed();
    if native != Ok(true) || output != statement.output {
        return Err(Error::Unsound(format!("something else than what was proved by {name}")));
    }
    Ok(Step {
        name,
        system,
        key_hash: key_hash(system, &key),
        key_bytes: key.len(),
        proof_bytes: proof.len(),
        prove: prove_time,
        verify,
        choose_gas,
        quoted_gas,
        submit_gas,
        input: statement.input,
        output,
        refused,
    })
}

/// Sends what is not proved: altered proofs and statements, and a right proof for another contract.
fn attack(
    chain: &mut Chain,
    prove: impl Fn(B256) -> Result<Proved, Error>,
    statement: &InferenceStatement,
    proof: &[u8],
) -> Result<usize, Error> {
    let mut tried: Vec<(String, InferenceStatement, Vec<u8>)> = Vec::new();
    for index in 0..proof.len() {
        let mut altered = proof.to_vec();
        altered[index] ^= 1;
        tried.push((format!("a proof with byte {index} changed"), *statement, altered));
    }
    for (name, change) in CHANGES {
        let mut altered = *statement;
        change(&mut altered);
        tried.push((format!("a statement with another {name}"), altered, proof.to_vec()));
    }
    let elsewhere = prove(Address::repeat_byte(9).into_word())?;
    let name = String::from("a proof for another contract");
    tried.push((name.clone(), elsewhere.statement, elsewhere.proof.clone()));
    // The same with the right context written over.
    let context = statement.context;
    tried.push((name, InferenceStatement { context, ..elsewhere.statement }, elsewhere.proof));

    // Where nothing is secret, whoever sees a proof can make one for any contract, and it is the
    // same bytes.
    tried.retain(|(_, other, altered)| (other, &**altered) != (statement, proof));

    for (name, statement, altered) in &tried {
        match chain.submit(statement, altered) {
            Err(Error::Reverted(_)) => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(Error::Unsound(name.clone())),
        }
    }
    Ok(tried.len())
}

type Change = (&'static str, fn(&mut InferenceStatement));

const CHANGES: [Change; 5] = [
    ("model", |statement| statement.model.0[0] ^= 1),
    ("input", |statement| statement.input[0] ^= 1),
    ("output", |statement| statement.output[0] ^= 1),
    ("work", |statement| statement.work.flops ^= 1),
    ("context", |statement| statement.context[0] ^= 1),
];
