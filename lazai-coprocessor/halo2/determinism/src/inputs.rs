//! Integers that gadgets are tried on.

use lazai_halo2::Gadget;

use crate::random::Random;

/// Returns integers for a gadget: for a low `turn` all of them extreme, later ones drawn.
pub(crate) fn inputs(gadget: &Gadget, turn: usize, random: &mut Random) -> Vec<i32> {
    let kinds = gadget.inputs();
    match gadget {
        Gadget::Gather { rows, .. } => {
            return kinds.iter().map(|_| random.below(rows.len() as u64) as i32).collect();
        }
        Gadget::Range { bits } => {
            let most = (1_i128 << bits) - 1;
            return kinds.iter().map(|_| random.up_to(most) as i32).collect();
        }
        _ => {}
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

/// Returns integers at which the constraints of a gadget show that are implied at most others:
/// results just beyond a bound of activations, where a bound of whole limbs that is missing shows,
/// magnitudes at which exponents change, and scores that differ by a little more than a table has
/// rows.
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
    // One element that is not 0 has the largest norm.
    let single = |size: i32| {
        vec![vec![size, 0], vec![0, size], vec![-size, 0], vec![0, -size], vec![size, -size]]
    };
    match gadget {
        Gadget::AddBias { added, wide } => {
            each(&|value| added.iter().map(|added| fit(value - added, *wide)).collect())
        }
        Gadget::Attention { positions, score_shift, .. } if *positions > 1 => {
            // The first score is 65,536, the others are 0; the first value becomes 32,768.
            let factor = 1_i64 << (8 + score_shift.max(&0) / 2);
            let even = 1 << (score_shift.max(&0) % 2);
            let mut edge = vec![fit(factor, false), 0, fit(factor * even, false), 0];
            edge.resize(2 * positions + 2, 0);
            edge.extend([-32_768, 32_639]);
            edge.resize(4 * positions + 2, 5);
            vec![edge]
        }
        Gadget::CacheAppend { count } => [255, -255, 128, -128, 129, 32_639]
            .map(|value| (0..*count).map(|at| if at == 0 { value } else { 3 }).collect())
            .to_vec(),
        // The sigmoid of 8 is nearly 1.
        Gadget::GatedSilu { gate_bits, .. } => {
            let gate = fit(shifted(8, *gate_bits), false);
            [1_021, 1_022, -1_025, -1_027].map(|up| vec![gate, up]).to_vec()
        }
        Gadget::Gelu { input_bits: 14, output_bits: 18, .. } => {
            [-5_560, -5_580, -5_600, -5_620].map(|value| vec![value]).to_vec()
        }
        Gadget::Gelu { input_bits, output_bits, .. } => {
            each(&|value| vec![fit(shifted(value, input_bits - output_bits), false)])
        }
        Gadget::HeadNorm(_) => single(20_000),
        // Magnitudes `3 n` of odd `n` have no rest if 6 is taken for a power of two, and that below
        // 2^17 is rounded up to it.
        Gadget::LayerNorm(_) => {
            [20_000, -20_000, 98_307, 131_071].map(|size| vec![size, -size]).to_vec()
        }
        Gadget::MatMul { .. } => {
            [[32_639, 61], [-32_768, -32], [32_639, -61], [-32_768, 32]].map(Vec::from).to_vec()
        }
        Gadget::Narrow { shift } => each(&|value| vec![fit(shifted(value, *shift), true)]),
        Gadget::Relu { shift } => each(&|value| vec![fit(shifted(value, *shift), false)]),
        Gadget::RmsNorm(_) => single(1 << 20),
        // Turned by an eighth.
        Gadget::Rope { .. } => {
            let turned = |value: i64| fit(value * 70_711 / 100_000, false);
            let mut edges: Vec<_> = each(&|value| vec![turned(value), turned(value)]);
            edges.extend(beyond.map(|value| vec![turned(value), -turned(value)]));
            edges
        }
        // The integers that are drawn show each of their constraints.
        Gadget::Argmax { .. }
        | Gadget::Attention { .. }
        | Gadget::Gather { .. }
        | Gadget::Input { .. }
        | Gadget::MatMulAdd { .. }
        | Gadget::MeanPool { .. }
        | Gadget::Range { .. } => Vec::new(),
    }
}

/// Draws an activation or an integer of 32 bits, as likely of few bits as of many.
pub(crate) fn integer(wide: bool, random: &mut Random) -> i32 {
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
