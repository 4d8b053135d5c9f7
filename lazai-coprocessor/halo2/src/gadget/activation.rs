use lazai_coprocessor::numeric::{FACTOR_BITS, LOOKUP_BITS};

use crate::{
    builder::{AssignedInt, Builder},
    table::Table,
};

/// Computes `Narrow`. `|x| <= 2^31`, so the shifted value is at most `2^31 * 2^-shift`.
pub(crate) fn narrow(builder: &mut Builder, input: AssignedInt, shift: i32) -> AssignedInt {
    let rounded = builder.rounded(input, shift);
    builder.sat16(rounded, bits_after(31, shift))
}

/// Computes `Relu`.
pub(crate) fn relu(builder: &mut Builder, input: AssignedInt, shift: i32) -> AssignedInt {
    // input = above - below, both within 16 bits, and one of them is 0.
    let above = builder.witness(input.value().max(0));
    let below = builder.sub(above, input);
    builder.range_check_loose(above, 16);
    builder.range_check_loose(below, 16);
    builder.assert_product_zero(above, below);
    let rounded = builder.rounded(above, shift);
    builder.sat16(rounded, bits_after(15, shift))
}

/// Computes `Gelu`. The product stays within `2^31`.
pub(crate) fn gelu(
    builder: &mut Builder,
    table: (Table, &[u16]),
    input: AssignedInt,
    input_bits: i32,
    output_bits: i32,
) -> AssignedInt {
    let factor = look_up(builder, table, input, input_bits);
    let product = builder.mul(input, factor);
    let shift = FACTOR_BITS + input_bits - output_bits;
    let rounded = builder.rounded(product, shift);
    builder.sat16(rounded, bits_after(31, shift))
}

/// Computes `GatedSilu`. The product stays within `2^46`.
pub(crate) fn gated(
    builder: &mut Builder,
    sigmoid: &[u16],
    (gate, gate_bits): (AssignedInt, i32),
    (up, up_bits): (AssignedInt, i32),
    output_bits: i32,
) -> AssignedInt {
    let factor = look_up(builder, (Table::Sigmoid, sigmoid), gate, gate_bits);
    let activated = builder.mul(gate, factor);
    let product = builder.mul(activated, up);
    let shift = FACTOR_BITS + gate_bits + up_bits - output_bits;
    let rounded = builder.rounded(product, shift);
    builder.sat16(rounded, bits_after(46, shift))
}

/// Returns the entry at `clamp(round(x, f_x - 11), -32,768, 32,767) + 32,768`.
fn look_up(
    builder: &mut Builder,
    (table, entries): (Table, &[u16]),
    input: AssignedInt,
    input_bits: i32,
) -> AssignedInt {
    let shift = input_bits - LOOKUP_BITS;
    let index = if shift == 0 {
        // An activation is within 16 bits already.
        builder.shifted(input, 1 << 15)
    } else {
        let rounded = builder.rounded(input, shift);
        let above = builder.shifted(rounded, 1 << 15);
        builder.clamped(above, 0, 65_535, bits_after(15, shift).max(16))
    };
    builder.entry(table, index, entries)
}

/// Returns how many bits hold the excess over a bound after a value below `2^bits` was rounded by
/// `shift`.
pub(super) const fn bits_after(bits: i32, shift: i32) -> u32 {
    let left = bits - shift + 1;
    if left < 1 { 1 } else { left as u32 }
}
