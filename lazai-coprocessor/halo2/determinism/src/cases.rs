//! Parameters and integers that gadgets are tried on.

use lazai_coprocessor::architecture::Gelu;
use lazai_halo2::{Gadget, NormParameters};

use crate::random::Random;

/// Names of all gadgets.
pub const GADGETS: [&str; 17] = [
    "AddBias",
    "Argmax",
    "Attention",
    "CacheAppend",
    "GatedSilu",
    "Gather",
    "Gelu",
    "HeadNorm",
    "Input",
    "LayerNorm",
    "MatMul",
    "MatMulAdd",
    "MeanPool",
    "Narrow",
    "Relu",
    "RmsNorm",
    "Rope",
];

/// Returns a gadget with parameters that reach each of its branches: those for a low `turn` are
/// chosen, later ones drawn.
pub(crate) fn gadget(name: &str, turn: usize, random: &mut Random) -> Option<Gadget> {
    let shift = |chosen: &[i32], random: &mut Random| {
        chosen.get(turn).copied().unwrap_or_else(|| random.between(-20, 40))
    };
    let bits = |chosen: i32, random: &mut Random| {
        if turn < CHOSEN { chosen } else { random.between(-5, 25) }
    };
    let gadget = match name {
        "AddBias" => {
            let wide = turn % 2 == 1;
            let drawn = [integer(true, random), integer(true, random)];
            let added = if turn < CHOSEN { vec![1_000, -1_000] } else { drawn.to_vec() };
            Gadget::AddBias { added, wide }
        }
        "Argmax" => Gadget::Argmax { count: [3, 2, 4][turn % 3] },
        "Attention" => {
            let score_shift = shift(&[9, 0, -3], random).clamp(-20, 30);
            Gadget::Attention { head_dim: 2, positions: 1 + (turn + 1) % 3, score_shift }
        }
        "CacheAppend" => Gadget::CacheAppend { count: [3, 1, 2][turn % 3] },
        "GatedSilu" => Gadget::GatedSilu {
            gate_bits: bits([9, 11, 14][turn % 3], random),
            up_bits: bits(10, random),
            output_bits: bits(12, random),
        },
        "Gather" => {
            // With three rows, the first bit follows from the others.
            let rows = 4 + turn % 3;
            let rows = (0..rows).map(|_| vec![integer(true, random), integer(true, random)]);
            Gadget::Gather { count: 2, rows: rows.collect() }
        }
        "Gelu" => Gadget::Gelu {
            form: if turn.is_multiple_of(2) { Gelu::Exact } else { Gelu::Tanh },
            input_bits: bits([11, 9, 14][turn % 3], random),
            output_bits: bits(12, random),
        },
        "HeadNorm" => Gadget::HeadNorm(norm(turn, random)),
        "Input" => Gadget::Input { count: 1, wide: turn % 2 == 1 },
        "LayerNorm" => Gadget::LayerNorm(norm(turn, random)),
        "MatMul" => {
            let (weights, shifts) = weights(turn, random);
            Gadget::MatMul { weights, depth: 2, shifts, wide: turn % 2 == 1 }
        }
        "MatMulAdd" => {
            let (weights, shifts) = weights(turn, random);
            Gadget::MatMulAdd { weights, depth: 2, shifts }
        }
        "MeanPool" => Gadget::MeanPool { rows: 1 + (turn + 2) % 4, width: 1 },
        "Narrow" => Gadget::Narrow { shift: shift(&[4, 0, -2], random) },
        "Relu" => Gadget::Relu { shift: shift(&[1, 0, -3], random) },
        "RmsNorm" => Gadget::RmsNorm(norm(turn, random)),
        "Rope" => {
            let drawn = [random.between(-16_384, 16_384), random.between(-16_384, 16_384)];
            let drawn = drawn.map(|angle| angle as i16);
            Gadget::Rope { rotations: [[11_585, 11_585], [16_384, 0], drawn][turn.min(2)].to_vec() }
        }
        _ => return None,
    };
    Some(gadget)
}

fn norm(turn: usize, random: &mut Random) -> NormParameters {
    let wide = turn % 2 == 1;
    if turn < CHOSEN {
        let gain = vec![23_170, -100];
        let (gain_bits, output_bits) = [(14, 12), (14, 40), (2, 20)][turn];
        return NormParameters {
            gain,
            gain_bits,
            epsilon: [3, 0, 1 << 40][turn],
            output_bits,
            wide,
        };
    }
    NormParameters {
        gain: vec![integer(false, random) as i16, integer(false, random) as i16],
        gain_bits: random.between(-5, 25),
        epsilon: random.next() >> random.between(13, 63),
        output_bits: random.between(-5, 25),
        wide,
    }
}

fn weights(turn: usize, random: &mut Random) -> (Vec<i32>, Vec<i32>) {
    if turn < CHOSEN {
        return (vec![1_016, -1_016, 5, 0], [[1, 9], [16, 31], [2, 20]][turn].to_vec());
    }
    let weights = (0..4).map(|_| random.between(-1_016, 1_016)).collect();
    (weights, vec![random.between(1, 31), random.between(1, 31)])
}

/// Returns integers for a gadget: for a low `turn` all of them extreme, later ones drawn.
pub(crate) fn inputs(gadget: &Gadget, turn: usize, random: &mut Random) -> Vec<i32> {
    let kinds = gadget.inputs();
    if let Gadget::Gather { rows, .. } = gadget {
        return kinds.iter().map(|_| random.below(rows.len() as u64) as i32).collect();
    }
    let extremes = |wide: bool| if wide { &WIDE[..] } else { &NARROW[..] };
    kinds
        .iter()
        .enumerate()
        .map(|(at, wide)| match turn {
            // All equal, then neighbours on the list, then one extreme among small ones.
            0..=5 => extremes(*wide)[turn],
            6..=11 => extremes(*wide)[(turn + at) % extremes(*wide).len()],
            12..=17 if at == turn % kinds.len() => extremes(*wide)[turn - 12],
            12..=17 => random.between(-3, 3),
            _ => integer(*wide, random),
        })
        .collect()
}

/// Returns integers whose result lies just beyond a bound of activations, where a bound of 16 bits
/// that is missing shows.
pub(crate) fn edges(gadget: &Gadget) -> Vec<Vec<i32>> {
    let beyond = [32_700_i64, -32_800];
    let fit = |value: i64, wide: bool| {
        let (least, most) = if wide { (i32::MIN, i32::MAX) } else { (-32_768, 32_639) };
        value.clamp(least.into(), most.into()) as i32
    };
    let shifted = |value: i64, shift: i32| {
        if shift < 0 { value >> -shift } else { value << shift }
    };
    let each = |edge: &dyn Fn(i64) -> Vec<i32>| beyond.iter().map(|value| edge(*value)).collect();
    match gadget {
        Gadget::AddBias { added, wide } => {
            each(&|value| added.iter().map(|added| fit(value - i64::from(*added), *wide)).collect())
        }
        Gadget::Gelu { input_bits, output_bits, .. } => {
            each(&|value| vec![fit(shifted(value, input_bits - output_bits), false)])
        }
        Gadget::Narrow { shift } => each(&|value| vec![fit(shifted(value, *shift), true)]),
        Gadget::Relu { shift } => each(&|value| vec![fit(shifted(value, *shift), false)]),
        // Turned by an eighth.
        Gadget::Rope { .. } => {
            let turned = |value: i64| fit(value * 70_711 / 100_000, false);
            let mut edges: Vec<_> = each(&|value| vec![turned(value), turned(value)]);
            edges.extend(beyond.map(|value| vec![turned(value), -turned(value)]));
            edges
        }
        _ => Vec::new(),
    }
}

/// Draws an activation or an integer of 32 bits, as likely of few bits as of many.
fn integer(wide: bool, random: &mut Random) -> i32 {
    let (least, most) = if wide { (i32::MIN, i32::MAX) } else { (-32_768, 32_639) };
    if random.below(4) == 0 {
        return random.one_of(if wide { &WIDE } else { &NARROW });
    }
    let drawn = i64::from(random.next() as i32) >> random.below(32);
    // Numbers around powers of two are where bit lengths change.
    let near = (1_i64 << random.below(32)) + random.up_to(4) as i64 - 2;
    let drawn = if random.below(3) == 0 { near * if drawn < 0 { -1 } else { 1 } } else { drawn };
    drawn.clamp(least.into(), most.into()) as i32
}

const NARROW: [i32; 14] =
    [-32_768, 32_639, 0, 128, -128, 256, 1, -1, 127, 255, -129, -256, 16_384, -32_767];
const WIDE: [i32; 14] = [
    i32::MIN,
    i32::MAX,
    0,
    32_768,
    -32_768,
    65_536,
    1,
    -1,
    32_767,
    65_535,
    -32_769,
    -65_536,
    1 << 30,
    i32::MIN + 1,
];

/// Number of parameters that are chosen.
pub(crate) const CHOSEN: usize = 3;
