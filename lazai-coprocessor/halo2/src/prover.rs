use halo2_proofs::halo2curves::bn256::G1Affine;
use halo2_proofs::{
    SerdeFormat,
    halo2curves::bn256::{Bn256, Fr},
    plonk::{ProvingKey as Halo2ProvingKey, create_proof, keygen_pk2},
    poly::kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
    transcript::TranscriptWriterBuffer,
};
use lazai_api_types::{InferenceStatement, Work};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{
    Goal, Halo2Error, PartCount, PlanReport, Shown, Srs, VerifyingKey,
    assign::Placed,
    compile::compile,
    counts::parts,
    envelope,
    layout::Layout,
    plan::Plan,
    transcript::{Challenge, Keccak},
};
use lazai_coprocessor::{
    model::Network,
    program::WorkRule,
    trace::{Input, Trace},
};

/// What is needed to prove runs of one network that read as many integers.
#[derive(Debug)]
pub struct ProvingKey {
    pub(super) verifying: VerifyingKey,
    pub(super) halo2: Halo2ProvingKey<G1Affine>,
    pub(super) range_bits: u32,
    pub(super) parts: Vec<PartCount>,
}

/// How far a long task has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stage {
    /// The network runs, and every operator's integers are recorded.
    Trace,
    /// Gadgets turn them into constraints, which get rows and columns.
    Constraints,
    /// Fixed and permuted columns are committed to and transformed.
    Keys,
    /// Columns are committed to, and the polynomials of the argument are computed and opened.
    Proof,
}

/// A proof, and what it is a proof of.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The statement.
    pub statement: InferenceStatement,
    /// The integers that were read.
    pub input: Vec<i32>,
    /// The integers of the result.
    pub output: Vec<i32>,
    /// The proof in its envelope, as a verifier takes it.
    pub bytes: Vec<u8>,
    /// The public inputs, as a Solidity verifier takes them.
    pub instance: [Fr; 2],
    bare: usize,
}

impl Proof {
    /// halo2's proof alone, as a Solidity verifier takes it.
    #[must_use]
    pub fn bare(&self) -> &[u8] {
        &self.bytes[self.bytes.len() - self.bare..]
    }
}

impl ProvingKey {
    /// Chooses rows and columns for runs that read as much as `sample`, and tells what proofs of them will take.
    ///
    /// # Errors
    /// [`Halo2Error`] if such a run cannot be proved.
    pub fn plan(
        network: &Network,
        goal: Goal,
        sample: Input<'_>,
    ) -> Result<PlanReport, Halo2Error> {
        let trace = record(network, goal, sample)?;
        let plan = Plan::new(network, &trace, goal)?;
        Ok(PlanReport::new(plan.layout.shape, parts(&plan.compiled.constraints)))
    }

    /// Bytes of halo2's proving key on disk.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.halo2.to_bytes(SerdeFormat::RawBytesUnchecked).len()
    }

    /// What [`plan`](Self::plan) told of this key's circuit.
    #[must_use]
    pub fn report(&self) -> PlanReport {
        PlanReport::new(self.verifying.shape, self.parts.clone())
    }

    /// Prepares proofs of runs that read as much as `sample`, whose integers do not matter.
    ///
    /// `work` is that of such a run, if it is not the network's alone. `srs` needs as many powers as
    /// [`PlanReport::k`] says, or more of a string that can be cut.
    ///
    /// # Errors
    /// [`Halo2Error`] if such a run cannot be proved.
    pub fn new(
        network: &Network,
        goal: Goal,
        sample: Input<'_>,
        work: Option<Work>,
        srs: impl FnOnce(u32) -> Result<Srs, super::SrsError>,
        progress: &mut dyn FnMut(Stage),
    ) -> Result<Self, Halo2Error> {
        progress(Stage::Trace);
        let trace = record(network, goal, sample)?;
        progress(Stage::Constraints);
        let plan = Plan::new(network, &trace, goal)?;
        let shape = plan.layout.shape;
        let work = match work {
            Some(work) => work,
            None => network_work(network, goal, &trace)?,
        };
        let srs = srs(shape.k)?;
        progress(Stage::Keys);
        let placed = Placed::new(&plan.compiled.constraints, &plan.layout);
        let halo2 = keygen_pk2(srs.params(), &placed, false).map_err(|error| prover(&error))?;
        let result = network.program().values[trace.output().value.index()];
        let shown = Shown {
            model: network.id(),
            goal,
            reads_tokens: network.program().input().is_none(),
            input: plan.compiled.input.0,
            output: plan.compiled.output.0,
            fraction_bits: result.bits.unsigned_abs(),
            work,
        };
        let verifying = VerifyingKey {
            shown,
            shape,
            srs: srs.verifier().clone(),
            halo2: halo2.get_vk().clone(),
        };
        let parts = parts(&plan.compiled.constraints);
        Ok(Self { verifying, halo2, range_bits: plan.range_bits, parts })
    }

    /// The part that checks proofs.
    #[must_use]
    pub const fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Runs the network on `input` and proves the run, bound to `context`.
    ///
    /// # Errors
    /// [`Halo2Error`] if the run has another shape than the key, or the reference string is another.
    pub fn prove(
        &self,
        network: &Network,
        input: Input<'_>,
        context: alloy_primitives::B256,
        srs: &Srs,
        progress: &mut dyn FnMut(Stage),
    ) -> Result<Proof, Halo2Error> {
        let shown = &self.verifying.shown;
        progress(Stage::Trace);
        let trace = record(network, shown.goal, input)?;
        progress(Stage::Constraints);
        let mut compiled = compile(network, &trace, shown.goal, Fr::zero(), self.range_bits)?;
        let (read, written) = (compiled.input.1.clone(), compiled.output.1.clone());
        if (network.id(), compiled.input.0, compiled.output.0)
            != (shown.model, shown.input, shown.output)
        {
            let run = |model, read, written| format!("{model}, {read} integers to {written}");
            return Err(Halo2Error::Shape {
                expected: run(shown.model, shown.inputs(), shown.outputs()),
                got: run(network.id(), read.len(), written.len()),
            });
        }
        let statement = shown.statement(&read, &written, context);
        if let Some(what) = shown.difference(&statement, &read, &written) {
            return Err(Halo2Error::Statement { what });
        }
        let instance = shown.instance(&statement, &read, &written);
        compiled.set_statement(instance[1]);
        let layout = Layout::new(&compiled.constraints, &compiled.tables, self.verifying.k())?;
        if layout.shape != self.verifying.shape {
            let (expected, got) = (self.verifying.shape, layout.shape);
            let (expected, got) = (format!("{expected:?}"), format!("{got:?}"));
            return Err(Halo2Error::Shape { expected, got });
        }
        if srs.digest() != self.verifying.srs.digest() || srs.k() != self.verifying.k() {
            let string = |digest, k| format!("the reference string {digest} of 2^{k} powers");
            return Err(Halo2Error::Shape {
                expected: string(self.verifying.srs.digest(), self.verifying.k()),
                got: string(srs.digest(), srs.k()),
            });
        }
        progress(Stage::Proof);
        let placed = Placed::new(&compiled.constraints, &layout);
        let mut transcript = <Keccak<_> as TranscriptWriterBuffer<_, _, _>>::init(Vec::new());
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, Challenge, _, _, _>(
            srs.params(),
            &self.halo2,
            &[placed],
            &[&[&instance]],
            // What hides the witness must not be guessed.
            ChaCha20Rng::from_entropy(),
            &mut transcript,
        )
        .map_err(|error| prover(&error))?;
        let bare = transcript.finalize();
        let bytes = envelope::write(shown, &read, &written, &bare);
        if !self.verifying.verify(&statement, &bytes) {
            return Err(Halo2Error::Prover {
                message: "the proof that was made does not verify".to_owned(),
            });
        }
        Ok(Proof { statement, input: read, output: written, bytes, instance, bare: bare.len() })
    }
}

/// Records a run; of a network that reads a tensor, all rows of the result.
fn record(network: &Network, goal: Goal, input: Input<'_>) -> Result<Trace, Halo2Error> {
    let outputs = match (input, goal, network.program().input()) {
        (Input::Tensor(integers), Goal::Values, Some(id)) => {
            integers.len() / network.program().values[id.index()].width as usize
        }
        _ => goal.outputs(),
    };
    Ok(Trace::record(network, goal.target(), input, outputs)?)
}

fn network_work(network: &Network, goal: Goal, trace: &Trace) -> Result<Work, Halo2Error> {
    let (program, target, rows) = (network.program(), goal.target(), trace.rows.tokens);
    let flops = WorkRule::new(program, target)?.flops(rows, trace.rows.outputs)?;
    Ok(Work { flops, peak_bytes: program.peak_bytes(target, rows, rows)? })
}

fn prover(error: &halo2_proofs::plonk::Error) -> Halo2Error {
    Halo2Error::Prover { message: error.to_string() }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::compile::Compiled;

    /// What a prover works with.
    pub(in super::super) fn parts<'k>(
        key: &'k ProvingKey,
        network: &Network,
        input: Input<'_>,
        statement: Fr,
    ) -> (&'k Halo2ProvingKey<G1Affine>, Compiled) {
        let goal = key.verifying.shown.goal;
        let trace = record(network, goal, input).unwrap();
        let compiled = compile(network, &trace, goal, statement, key.range_bits).unwrap();
        (&key.halo2, compiled)
    }
}
