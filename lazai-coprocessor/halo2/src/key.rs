use alloy_primitives::{B256, hex};
use halo2_proofs::{
    halo2curves::{
        bn256::{Fr, G1Affine},
        ff::{Field, PrimeField},
        group::GroupEncoding,
    },
    plonk::{Circuit, ConstraintSystem, VerifyingKey as Halo2Key, permutation},
    poly::EvaluationDomain,
};
use lazai_api_types::{ModelId, ProofSystemId, Work, codec::Reader, key_hash};

use crate::{
    Halo2Error, KeyField, ProvedOutput, PublicInputs, SrsVerifier,
    config::Columns,
    digest::Packing,
    shape::{K_MAX, K_MIN, MAX_COLUMNS, Shape},
};

/// What is needed to check proofs of one network and one shape of its runs.
///
/// The canonical form, integers big-endian:
///
/// | bytes | what |
/// | --- | --- |
/// | 1 | version, 2 |
/// | 32 | model |
/// | 1 | input: 0 tokens, 1 a tensor |
/// | 1 | output: 0 embedding, 1 logits, 2 greedy tokens |
/// | 5, 5 | integers read and written: count, bits of each |
/// | 1 | bits behind the binary point of the result |
/// | 8, 8 | work: operations, bytes |
/// | 1 | binary logarithm of the rows |
/// | 5 | columns of multiplications, lookups, tables, linear combinations, constants |
/// | 128 | the reference string, as [`SrsVerifier::to_bytes`] |
/// | rest | commitments to the fixed and the permuted columns, 32 bytes each |
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    /// What proofs under this key are about.
    pub public_inputs: PublicInputs,
    pub(crate) shape: Shape,
    pub(crate) srs: SrsVerifier,
    pub(crate) halo2: Halo2Key<G1Affine>,
}

impl VerifyingKey {
    /// Decodes a key. Only the canonical encoding is read.
    ///
    /// # Errors
    /// [`Halo2Error::Key`] or [`Halo2Error::Srs`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Halo2Error> {
        let mut reader = KeyReader(Reader::new(bytes));
        reader.one_of(KeyField::Version, VERSION..=VERSION)?;
        let model = ModelId(reader.array::<32>(KeyField::Model)?.into());
        let reads_tokens = reader.one_of(KeyField::Input, 0..=1)? == 0;
        let proved_output = reader.one_of(KeyField::Output, 0..=2)?;
        let input = reader.packing(KeyField::IntegersRead)?;
        let output = reader.packing(KeyField::IntegersWritten)?;
        let proved_output = match proved_output {
            0 => ProvedOutput::Embedding,
            1 => ProvedOutput::Logits,
            _ => ProvedOutput::GreedyTokens(output.count as u32),
        };
        check_kinds(reads_tokens, proved_output, input, output)?;
        let fraction_bits = reader.one_of(KeyField::FractionBits, 0..=128)?;
        let flops = u64::from_be_bytes(reader.array(KeyField::Work)?);
        let peak_bytes = u64::from_be_bytes(reader.array(KeyField::Work)?);
        let [k, gates, lookups, tables, linear_combinations, constants] =
            reader.array(KeyField::Shape)?;
        let shape = Shape {
            k: u32::from(k),
            gates: gates.into(),
            lookups: lookups.into(),
            tables: tables.into(),
            linear_combinations: linear_combinations.into(),
            constants: constants.into(),
        };
        check(KeyField::Rows, shape.k as usize, K_MIN as usize, K_MAX as usize)?;
        for (field, columns, min) in [
            (KeyField::MultiplicationColumns, shape.gates, 1),
            (KeyField::LookupColumns, shape.lookups, 1),
            (KeyField::TableColumns, shape.tables, 1),
            (KeyField::CombinationColumns, shape.linear_combinations, 0),
            (KeyField::ConstantColumns, shape.constants, 1),
        ] {
            check(field, columns, min, MAX_COLUMNS)?;
        }
        let srs = SrsVerifier::from_bytes(&reader.array(KeyField::ReferenceString)?)?;
        let halo2 = read_halo2(reader.0.rest(), shape)?;
        let work = Work { flops, peak_bytes };
        let public_inputs =
            PublicInputs { model, proved_output, reads_tokens, input, output, fraction_bits, work };
        let key = Self { public_inputs, shape, srs, halo2 };
        // Some points have more than one encoding that is read; the canonical one is that which is
        // written.
        if key.to_bytes() != bytes {
            return Err(refused(
                KeyField::Form,
                "the canonical one".to_owned(),
                "another".to_owned(),
            ));
        }
        Ok(key)
    }

    /// Encodes the key, canonically.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let PublicInputs { model, proved_output, reads_tokens, input, output, fraction_bits, work } =
            &self.public_inputs;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(model.0.as_slice());
        bytes.push(u8::from(!reads_tokens));
        bytes.push(match proved_output {
            ProvedOutput::Embedding => 0,
            ProvedOutput::Logits => 1,
            ProvedOutput::GreedyTokens(_) => 2,
        });
        for packing in [input, output] {
            bytes.extend_from_slice(&(packing.count as u32).to_be_bytes());
            bytes.push(packing.bits as u8);
        }
        bytes.push(*fraction_bits);
        bytes.extend_from_slice(&work.flops.to_be_bytes());
        bytes.extend_from_slice(&work.peak_bytes.to_be_bytes());
        let Shape { k, gates, lookups, tables, linear_combinations, constants } = self.shape;
        bytes.push(k as u8);
        bytes.extend(
            [gates, lookups, tables, linear_combinations, constants].map(|columns| columns as u8),
        );
        bytes.extend_from_slice(&self.srs.to_bytes());
        let permuted = self.halo2.permutation().commitments();
        for point in self.halo2.fixed_commitments().iter().chain(permuted) {
            bytes.extend_from_slice(point.to_bytes().as_ref());
        }
        bytes
    }

    /// Returns the name of the key, by which chains know it and with which every challenge of a
    /// proof begins: the [`key_hash`] of its bytes.
    #[must_use]
    pub fn hash(&self) -> B256 {
        key_hash(ProofSystemId::HALO2, &self.to_bytes())
    }

    /// Returns the binary logarithm of the number of rows.
    #[must_use]
    pub const fn k(&self) -> u32 {
        self.shape.k
    }

    /// Returns the bytes of halo2's proof in every envelope, behind the integers.
    #[must_use]
    pub const fn proof_bytes(&self) -> usize {
        self.shape.proof_bytes()
    }

    /// Returns the number of columns of the circuit, fixed ones included.
    #[must_use]
    pub fn columns(&self) -> usize {
        let columns = self.halo2.cs();
        columns.num_fixed_columns() + columns.num_advice_columns() + columns.num_instance_columns()
    }

    /// Returns the reference string under which proofs are checked.
    #[must_use]
    pub const fn srs(&self) -> &SrsVerifier {
        &self.srs
    }
}

/// Checks that integers of these kinds can be those of a run: no program reads or writes others.
///
/// In 32 bits, two embeddings would have one hash.
fn check_kinds(
    reads_tokens: bool,
    proved_output: ProvedOutput,
    input: Packing,
    output: Packing,
) -> Result<(), Halo2Error> {
    let bits =
        |field, got: Packing, expected: usize| check(field, got.bits as usize, expected, expected);
    if reads_tokens {
        bits(KeyField::TokenBits, input, 32)?;
    }
    match proved_output {
        ProvedOutput::Embedding => bits(KeyField::EmbeddingBits, output, 16),
        ProvedOutput::Logits => bits(KeyField::LogitBits, output, 32),
        ProvedOutput::GreedyTokens(_) => {
            bits(KeyField::TokenBits, output, 32)?;
            check(KeyField::TokenReaders, usize::from(reads_tokens), 1, 1)?;
            // A prompt has one token at least, and all but the last of the results are read.
            check(KeyField::TokensRead, input.count, output.count, MAX_INTEGERS)
        }
    }
}

/// Builds halo2's own key from the commitments; its gates follow from the shape.
fn read_halo2(commitments: &[u8], shape: Shape) -> Result<Halo2Key<G1Affine>, Halo2Error> {
    let mut columns = ConstraintSystem::<Fr>::default();
    Columns::configure_with_params(&mut columns, shape);
    let fixed = columns.num_fixed_columns();
    let expected = POINT_BYTES * (fixed + columns.permutation().get_columns().len());
    if commitments.len() != expected {
        let (expected, got) = (format!("{expected} bytes"), format!("{} bytes", commitments.len()));
        return Err(refused(KeyField::CommitmentList, expected, got));
    }
    let (chunks, _) = commitments.as_chunks::<POINT_BYTES>();
    let mut points = Vec::with_capacity(chunks.len());
    for chunk in chunks {
        let mut compressed = <G1Affine as GroupEncoding>::Repr::default();
        compressed.as_mut().copy_from_slice(chunk);
        let point = Option::<G1Affine>::from(G1Affine::from_bytes(&compressed));
        let refuse = || refused(KeyField::Commitment, "a point".to_owned(), hex::encode(chunk));
        points.push(point.ok_or_else(refuse)?);
    }
    let permuted = permutation::VerifyingKey::from_commitments(points.split_off(fixed));
    let domain = domain(columns.degree() as u32, shape.k);
    Ok(Halo2Key::from_parts(domain, points, permuted, columns, Vec::new(), false))
}

/// Builds the part of a domain of `2^k` points that a verifier needs.
///
/// halo2's constructor also computes all powers of the root, which takes time in proportion to the
/// rows, so that a short key could ask for much work.
fn domain(degree: u32, k: u32) -> EvaluationDomain<Fr> {
    let mut domain = EvaluationDomain::new(degree, 1);
    let root = |k: u32| (k..Fr::S).fold(Fr::ROOT_OF_UNITY, |root, _| root.square());
    let invert = |value: Fr| value.invert().unwrap_or(Fr::ZERO);
    let extended_k = k + domain.extended_k - 1;
    domain.n = 1 << k;
    domain.k = k;
    domain.extended_k = extended_k;
    (domain.omega, domain.omega_inv) = (root(k), invert(root(k)));
    (domain.extended_omega, domain.extended_omega_inv) =
        (root(extended_k), invert(root(extended_k)));
    domain.ifft_divisor = invert(Fr::from(1 << k));
    domain.extended_ifft_divisor = invert(Fr::from(1 << extended_k));
    domain.barycentric_weight = domain.ifft_divisor;
    domain.t_evaluations.clear();
    domain
}

/// Version of the encoding.
const VERSION: u8 = 2;
/// Bytes of a compressed point.
const POINT_BYTES: usize = 32;

const fn refused(field: KeyField, expected: String, got: String) -> Halo2Error {
    Halo2Error::Key { field, expected, got }
}

fn check(field: KeyField, got: usize, min: usize, max: usize) -> Result<(), Halo2Error> {
    if (min..=max).contains(&got) {
        return Ok(());
    }
    Err(refused(field, format!("from {min} to {max}"), format!("{got}")))
}

/// Reads fields of a key, and names those that are refused.
struct KeyReader<'a>(Reader<'a>);

impl KeyReader<'_> {
    fn array<const N: usize>(&mut self, field: KeyField) -> Result<[u8; N], Halo2Error> {
        let got = self.0.remaining();
        self.0.array().map_err(|_| refused(field, format!("{N} bytes"), format!("{got} bytes")))
    }

    fn one_of(
        &mut self,
        field: KeyField,
        range: core::ops::RangeInclusive<u8>,
    ) -> Result<u8, Halo2Error> {
        let [got] = self.array(field)?;
        check(field, got.into(), (*range.start()).into(), (*range.end()).into())?;
        Ok(got)
    }

    fn packing(&mut self, field: KeyField) -> Result<Packing, Halo2Error> {
        let count = u32::from_be_bytes(self.array(field)?) as usize;
        check(field, count, 1, MAX_INTEGERS)?;
        match self.array(field)? {
            [bits @ (16 | 32)] => Ok(Packing { count, bits: bits.into() }),
            [got] => Err(refused(field, "16 or 32 bits".to_owned(), format!("{got} bits"))),
        }
    }
}

/// Largest number of integers that a run reads or writes.
pub(crate) const MAX_INTEGERS: usize = 1 << 16;
