use halo2_proofs::{
    SerdeFormat,
    halo2curves::bn256::{Bn256, Fr, G1Affine},
    plonk::{ProvingKey as Halo2ProvingKey, create_proof, keygen_pk2},
    poly::kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
};
use lazai_api_types::{InferenceStatement, Job, Work};
use lazai_coprocessor::{
    model::{Model, Network},
    program::WorkRule,
    trace::{Input, Trace},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::{
    Halo2Error, PartCount, PlanReport, ProvedOutput, PublicInputs, RunShape, Srs, VerifyingKey,
    assignment::AssignedWitness,
    compile::compile,
    envelope,
    layout::Layout,
    part_count::parts,
    plan::Plan,
    proved_job::ProvedJob,
    public_inputs::element,
    transcript::{Challenge, Keccak},
};

/// A key that proves runs of one network with one shape.
#[derive(Debug)]
pub struct ProvingKey {
    pub(super) verifying: VerifyingKey,
    pub(super) halo2: Halo2ProvingKey<G1Affine>,
    pub(super) range_bits: u32,
    pub(super) parts: Vec<PartCount>,
}

/// The stages of making keys or a proof, for progress reports.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProvingStage {
    /// The network runs, and the integers of every operator are recorded.
    Trace,
    /// Gadgets turn the integers into constraints, which are placed in rows and columns.
    Constraints,
    /// The fixed and permuted columns are committed to and transformed.
    Keys,
    /// The columns are committed to, and the polynomials of the argument are computed and opened.
    Proof,
}

/// A proof with the statement and the integers that it shows.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The statement that the proof shows.
    pub statement: InferenceStatement,
    /// The integers that the run read.
    pub input: Vec<i32>,
    /// The integers of the result.
    pub output: Vec<i32>,
    /// The proof in its envelope, as [`Halo2Verifier`](super::Halo2Verifier) takes it.
    pub bytes: Vec<u8>,
    /// The public inputs of the circuit, as a Solidity verifier takes them.
    pub instance: [Fr; 2],
    halo2_bytes: usize,
}

impl Proof {
    /// Returns halo2's proof without the envelope, as a Solidity verifier takes it.
    #[must_use]
    pub fn without_envelope(&self) -> &[u8] {
        &self.bytes[self.bytes.len() - self.halo2_bytes..]
    }
}

impl ProvingKey {
    /// Chooses rows and columns for runs with the shape of `sample`, and estimates what proofs of
    /// them cost. Needs no reference string.
    ///
    /// # Errors
    /// [`Halo2Error`] if such a run cannot be proved.
    pub fn plan(
        network: &Network,
        proved_output: ProvedOutput,
        sample: Input<'_>,
    ) -> Result<PlanReport, Halo2Error> {
        let trace = record(network, proved_output, sample)?;
        let plan = Plan::new(network, &trace, proved_output)?;
        Ok(PlanReport::new(plan.layout.shape, parts(&plan.compiled.constraints)))
    }

    /// Returns the bytes of halo2's proving key on disk.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.halo2.to_bytes(SerdeFormat::RawBytesUnchecked).len()
    }

    /// Returns what [`plan`](Self::plan) reports for this key's circuit.
    #[must_use]
    pub fn report(&self) -> PlanReport {
        PlanReport::new(self.verifying.shape, self.parts.clone())
    }

    /// Makes the keys for runs of `job` and of all jobs that differ from it in the tokens of the
    /// prompt alone. The work that statements name is that of the run.
    ///
    /// `srs` is called with the logarithm of the rows ([`PlanReport::k`]) and returns a string of
    /// exactly that many powers.
    ///
    /// # Errors
    /// [`Halo2Error`] if such a run cannot be proved: the model refuses the job, or its prompt is a
    /// text.
    pub fn for_job(
        model: &Model,
        job: &Job,
        srs: impl FnOnce(u32) -> Result<Srs, super::SrsError>,
        progress: &mut dyn FnMut(ProvingStage),
    ) -> Result<Self, Halo2Error> {
        let proved = ProvedJob::new(job)?;
        let work = model.quote(job)?.work;
        let (sample, proved_output) = (proved.sample(), proved.proved_output);
        let input = Input::Tokens(&sample);
        Self::with_work(model.network(), proved_output, input, Some(work), srs, progress)
    }

    /// Makes the keys for runs of a network that reads a tensor, with the shape of `sample`, whose
    /// integers do not matter.
    ///
    /// The work that statements name is that of the network. `srs` is called as by
    /// [`for_job`](Self::for_job).
    ///
    /// # Errors
    /// [`Halo2Error`] if such a run cannot be proved, and [`Halo2Error::NeedsJob`] if the network
    /// reads tokens.
    pub fn new(
        network: &Network,
        proved_output: ProvedOutput,
        sample: Input<'_>,
        srs: impl FnOnce(u32) -> Result<Srs, super::SrsError>,
        progress: &mut dyn FnMut(ProvingStage),
    ) -> Result<Self, Halo2Error> {
        if network.program().input().is_none() {
            return Err(Halo2Error::NeedsJob);
        }
        Self::with_work(network, proved_output, sample, None, srs, progress)
    }

    /// Makes the keys for statements that name `work`, or the work of the network alone.
    fn with_work(
        network: &Network,
        proved_output: ProvedOutput,
        sample: Input<'_>,
        work: Option<Work>,
        srs: impl FnOnce(u32) -> Result<Srs, super::SrsError>,
        progress: &mut dyn FnMut(ProvingStage),
    ) -> Result<Self, Halo2Error> {
        progress(ProvingStage::Trace);
        let trace = record(network, proved_output, sample)?;
        progress(ProvingStage::Constraints);
        let plan = Plan::new(network, &trace, proved_output)?;
        let shape = plan.layout.shape;
        let work = match work {
            Some(work) => work,
            None => network_work(network, proved_output, &trace)?,
        };
        let srs = srs(shape.k)?;
        progress(ProvingStage::Keys);
        let circuit = AssignedWitness::new(&plan.compiled.constraints, &plan.layout);
        let halo2 = keygen_pk2(srs.params(), &circuit, false).map_err(|error| prover(&error))?;
        let result = network.program().values[trace.output().value.index()];
        let public_inputs = PublicInputs {
            model: network.id(),
            proved_output,
            reads_tokens: network.program().input().is_none(),
            input: plan.compiled.input.0,
            output: plan.compiled.output.0,
            fraction_bits: result.bits.unsigned_abs(),
            work,
        };
        let verifying = VerifyingKey {
            public_inputs,
            shape,
            srs: srs.verifier().clone(),
            halo2: halo2.get_vk().clone(),
        };
        let parts = parts(&plan.compiled.constraints);
        Ok(Self { verifying, halo2, range_bits: plan.range_bits, parts })
    }

    /// Returns the verifying key.
    #[must_use]
    pub const fn verifying(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Runs the network on `input` and proves the run, bound to `context`. The proof is verified
    /// before it is returned.
    ///
    /// For [`ProvedOutput::GreedyTokens`], the input is the prompt and all but the last of the
    /// tokens that the network chooses.
    ///
    /// # Errors
    /// [`Halo2Error`] if the run has another shape than the key, or the reference string is
    /// another.
    pub fn prove(
        &self,
        network: &Network,
        input: Input<'_>,
        context: alloy_primitives::B256,
        srs: &Srs,
        progress: &mut dyn FnMut(ProvingStage),
    ) -> Result<Proof, Halo2Error> {
        let public_inputs = &self.verifying.public_inputs;
        progress(ProvingStage::Trace);
        let trace = record(network, public_inputs.proved_output, input)?;
        progress(ProvingStage::Constraints);
        let mut compiled =
            compile(network, &trace, public_inputs.proved_output, Fr::zero(), self.range_bits)?;
        let (read, written) = (compiled.input.1.clone(), compiled.output.1.clone());
        if (network.id(), compiled.input.0, compiled.output.0)
            != (public_inputs.model, public_inputs.input, public_inputs.output)
        {
            return Err(Halo2Error::Run {
                expected: RunShape {
                    model: public_inputs.model,
                    inputs: public_inputs.inputs(),
                    outputs: public_inputs.outputs(),
                },
                got: RunShape { model: network.id(), inputs: read.len(), outputs: written.len() },
            });
        }
        let statement = public_inputs.statement(&read, &written, context);
        if let Some(what) = public_inputs.difference(&statement, &read, &written) {
            return Err(Halo2Error::Statement { what });
        }
        let instance = public_inputs.instance(&statement, &read, &written);
        compiled.set_statement(instance[1]);
        let layout = Layout::new(&compiled.constraints, &compiled.tables, self.verifying.k())?;
        if layout.shape != self.verifying.shape {
            let (expected, got) = (self.verifying.shape.numbers(), layout.shape.numbers());
            return Err(Halo2Error::Layout { expected, got });
        }
        if srs.digest() != self.verifying.srs.digest() || srs.k() != self.verifying.k() {
            return Err(Halo2Error::SrsMismatch {
                expected: self.verifying.srs.digest(),
                expected_k: self.verifying.k(),
                got: srs.digest(),
                got_k: srs.k(),
            });
        }
        progress(ProvingStage::Proof);
        let circuit = AssignedWitness::new(&compiled.constraints, &layout);
        let mut transcript = Keccak::new(Vec::new(), element(self.verifying.hash()));
        create_proof::<KZGCommitmentScheme<Bn256>, ProverSHPLONK<'_, Bn256>, Challenge, _, _, _>(
            srs.params(),
            &self.halo2,
            &[circuit],
            &[&[&instance]],
            // The blinding values must not be guessable.
            ChaCha20Rng::from_entropy(),
            &mut transcript,
        )
        .map_err(|error| prover(&error))?;
        let halo2_proof = transcript.finish();
        let bytes = envelope::write(public_inputs, &read, &written, &halo2_proof);
        if !self.verifying.verify(&statement, &bytes) {
            return Err(Halo2Error::Prover {
                message: "the proof that was made does not verify".to_owned(),
            });
        }
        Ok(Proof {
            statement,
            input: read,
            output: written,
            bytes,
            instance,
            halo2_bytes: halo2_proof.len(),
        })
    }
}

/// Records a run; of a network that reads a tensor, with all rows of the result.
pub(crate) fn record(
    network: &Network,
    proved_output: ProvedOutput,
    input: Input<'_>,
) -> Result<Trace, Halo2Error> {
    let outputs = match (input, proved_output, network.program().input()) {
        (Input::Tensor(integers), ProvedOutput::Logits, Some(id)) => {
            integers.len() / network.program().values[id.index()].width as usize
        }
        _ => proved_output.outputs(),
    };
    Ok(Trace::record(network, proved_output.target(), input, outputs)?)
}

fn network_work(
    network: &Network,
    proved_output: ProvedOutput,
    trace: &Trace,
) -> Result<Work, Halo2Error> {
    let (program, target, rows) = (network.program(), proved_output.target(), trace.rows.tokens);
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

    /// Returns what a prover works with.
    pub(in super::super) fn parts<'k>(
        key: &'k ProvingKey,
        network: &Network,
        input: Input<'_>,
        statement: Fr,
    ) -> (&'k Halo2ProvingKey<G1Affine>, Compiled) {
        let proved_output = key.verifying.public_inputs.proved_output;
        let trace = record(network, proved_output, input).unwrap();
        let compiled = compile(network, &trace, proved_output, statement, key.range_bits).unwrap();
        (&key.halo2, compiled)
    }
}
