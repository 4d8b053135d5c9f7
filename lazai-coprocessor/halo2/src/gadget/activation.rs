use super::super::{
    builder::{Builder, Int},
    table::Table,
};

/// `Narrow`: the shift and `x` within `2^31` leave less than `2^31 * 2^-shift`.
pub(crate) fn narrow(builder: &mut Builder, input: Int, shift: i32) -> Int {
    let rounded = builder.rounded(input, shift);
    builder.sat16(rounded, bits_after(31, shift))
}

/// `Relu`.
pub(crate) fn relu(builder: &mut Builder, input: Int, shift: i32) -> Int {
    // input = above - below, both within 16 bits and one of them 0.
    let above = builder.witness(input.value().max(0));
    let below = builder.sub(above, input);
    builder.small(above, 16);
    builder.small(below, 16);
    builder.one_is_zero(above, below);
    let rounded = builder.rounded(above, shift);
    builder.sat16(rounded, bits_after(15, shift))
}

/// `Gelu`: the product stays within `2^31`.
pub(crate) fn gelu(
    builder: &mut Builder,
    table: (Table, &[u16]),
    input: Int,
    input_bits: i32,
    output_bits: i32,
) -> Int {
    let factor = look_up(builder, table, input, input_bits);
    let product = builder.mul(input, factor);
    let shift = 16 + input_bits - output_bits;
    let rounded = builder.rounded(product, shift);
    builder.sat16(rounded, bits_after(31, shift))
}

/// `GatedSilu`: the product stays within `2^46`.
pub(crate) fn gated(
    builder: &mut Builder,
    sigmoid: &[u16],
    (gate, gate_bits): (Int, i32),
    (up, up_bits): (Int, i32),
    output_bits: i32,
) -> Int {
    let factor = look_up(builder, (Table::Sigmoid, sigmoid), gate, gate_bits);
    let activated = builder.mul(gate, factor);
    let product = builder.mul(activated, up);
    let shift = 16 + gate_bits + up_bits - output_bits;
    let rounded = builder.rounded(product, shift);
    builder.sat16(rounded, bits_after(46, shift))
}

/// The entry at `clamp(round(x, f_x - 11), -32,768, 32,767) + 32,768`.
fn look_up(
    builder: &mut Builder,
    (table, entries): (Table, &[u16]),
    input: Int,
    input_bits: i32,
) -> Int {
    let shift = input_bits - 11;
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

/// Bits that are enough for what exceeds a bound after `2^bits` was rounded by `shift`.
pub(super) const fn bits_after(bits: i32, shift: i32) -> u32 {
    let left = bits - shift + 1;
    if left < 1 { 1 } else { left as u32 }
}
