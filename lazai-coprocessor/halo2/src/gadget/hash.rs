use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

use crate::{
    builder::{AssignedInt, Builder},
    constraints::Cell,
    digest::{Packing, header},
    poseidon::{Poseidon, RATE, WIDTH},
};

/// Computes the digest of the integers read and those written, as
/// [`digest`](crate::digest::digest) does outside the circuit.
pub(crate) fn hash(
    builder: &mut Builder,
    inputs: (Packing, &[AssignedInt]),
    outputs: (Packing, &[AssignedInt]),
) -> Cell {
    let mut elements = vec![builder.field_constant(header(inputs.0, outputs.0))];
    for (packing, values) in [inputs, outputs] {
        for values in values.chunks(packing.per_element()) {
            elements.push(pack(builder, packing, values));
        }
    }
    let zero = builder.constant(0).cell();
    let mut state = [builder.field_constant(Fr::from(elements.len() as u64)), zero, zero];
    let one = builder.constant(1).cell();
    for pair in elements.chunks(RATE) {
        for (x, element) in state[1..].iter_mut().zip(pair) {
            *x = mul_add(builder, *x, *element, one);
        }
        permute(builder, &mut state);
    }
    state[1]
}

/// Returns `sum (value[i] + offset) * 2^(bits i)`.
fn pack(builder: &mut Builder, packing: Packing, values: &[AssignedInt]) -> Cell {
    let base = Fr::from(1_u64 << packing.bits);
    let offset = Fr::from(packing.offset() as u64);
    let mut powers = Vec::with_capacity(values.len());
    let mut power = Fr::ONE;
    let mut start = Fr::ZERO;
    for _ in values {
        powers.push(power);
        start += offset * power;
        power *= base;
    }
    let start = builder.field_constant(start);
    values.iter().zip(powers).fold(start, |sum, (value, power)| {
        let power = builder.field_constant(power);
        mul_add(builder, sum, value.cell(), power)
    })
}

fn permute(builder: &mut Builder, state: &mut [Cell; WIDTH]) {
    let poseidon = Poseidon::get();
    let one = builder.constant(1).cell();
    for (index, x) in state.iter_mut().enumerate() {
        let constant = builder.field_constant(poseidon.round_constants[0][index]);
        *x = mul_add(builder, *x, constant, one);
    }
    for round in 0..poseidon.round_constants.len() {
        for (index, x) in state.iter_mut().enumerate() {
            if index == 0 || Poseidon::is_full(round) {
                let zero = builder.constant(0).cell();
                let square = mul_add(builder, zero, *x, *x);
                let fourth = mul_add(builder, zero, square, square);
                *x = mul_add(builder, zero, fourth, *x);
            }
        }
        // The constants of the next round are added as the state is mixed.
        let next = poseidon.round_constants.get(round + 1).copied().unwrap_or([Fr::ZERO; WIDTH]);
        let mut mixed = *state;
        for ((mixed, row), constant) in mixed.iter_mut().zip(&poseidon.mds).zip(next) {
            let start = builder.field_constant(constant);
            *mixed = row.iter().zip(state.iter()).fold(start, |sum, (factor, x)| {
                let factor = builder.field_constant(*factor);
                mul_add(builder, sum, *x, factor)
            });
        }
        *state = mixed;
    }
}

fn mul_add(builder: &mut Builder, a: Cell, b: Cell, c: Cell) -> Cell {
    let value = builder.value(a) + builder.value(b) * builder.value(c);
    let sum = builder.cell(value);
    builder.gate(a, b, c, sum);
    sum
}
