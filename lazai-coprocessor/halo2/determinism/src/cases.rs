//! Gadgets with their parameters.

use lazai_coprocessor::architecture::Gelu;
use lazai_halo2::{Gadget, NormParameters};

use crate::{inputs::integer, random::Random};

/// Names of all gadgets: those of the operators, and `Range`, a check that they use.
pub const GADGETS: [&str; 18] = [
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
    "Range",
    "Relu",
    "RmsNorm",
    "Rope",
];

/// Methods of gadgets, and the gadget that is nothing but the method, with all that it may be
/// given.
///
/// Where another gadget calls the method with integers that do not need all of its constraints,
/// these are needed where it stands alone.
pub(crate) const ALONE: [(&str, &str); 5] = [
    ("clamped", "Narrow"),
    ("compress", "CacheAppend"),
    ("divided", "MeanPool"),
    ("one_hot", "Gather"),
    ("range_check", "Range"),
];

/// Returns a gadget with parameters that are chosen, together, so that each of its constraints is
/// needed with some of them and a narrow or a wide range table.
pub(crate) fn chosen(name: &str) -> Option<Vec<Gadget>> {
    let gadgets = match name {
        "AddBias" => vec![
            Gadget::AddBias { added: vec![1_000, -1_000], wide: false },
            Gadget::AddBias { added: vec![1_000, -1_000], wide: true },
            Gadget::AddBias { added: vec![1 << 34, -(1 << 62)], wide: true },
        ],
        "Argmax" => [3, 2, 4].map(|count| Gadget::Argmax { count }).to_vec(),
        "Attention" => [(9, 2), (0, 3), (-3, 1)]
            .map(|(score_shift, positions)| Gadget::Attention {
                head_dim: 2,
                positions,
                score_shift,
            })
            .to_vec(),
        "CacheAppend" => [3, 1, 2].map(|count| Gadget::CacheAppend { count }).to_vec(),
        // The index is that of the gate as it is, one that is clamped, and one of two limbs.
        "GatedSilu" => [11, 9, 20]
            .map(|gate_bits| Gadget::GatedSilu { gate_bits, up_bits: 10, output_bits: 12 })
            .to_vec(),
        "Gather" => {
            // With three rows, the first bit follows from the others.
            let rows = [[0, -7], [i32::MAX, 5], [i32::MIN, 0], [1, -1], [9, 9], [2, i32::MIN]];
            let rows: Vec<_> = rows.map(|row| row.to_vec()).into();
            [4, 5, 6].map(|count| Gadget::Gather { count: 2, rows: rows[..count].to_vec() }).into()
        }
        // With the last, the least value of the function is below that of an activation.
        "Gelu" => [
            (Gelu::Exact, 11, 12),
            (Gelu::Tanh, 9, 12),
            (Gelu::Exact, 20, 12),
            (Gelu::Exact, 14, 18),
        ]
        .map(|(form, input_bits, output_bits)| Gadget::Gelu { form, input_bits, output_bits })
        .to_vec(),
        "HeadNorm" => norms([23_130, -23_200], 14).map(Gadget::HeadNorm).to_vec(),
        "Input" => [false, true].map(|wide| Gadget::Input { count: 1, wide }).to_vec(),
        "LayerNorm" => norms([16_350, 16_400], 15).map(Gadget::LayerNorm).to_vec(),
        "MatMul" => products()
            .into_iter()
            .zip([false, true, false])
            .map(|((weights, shifts), wide)| Gadget::MatMul { weights, depth: 2, shifts, wide })
            .collect(),
        "MatMulAdd" => products()
            .map(|(weights, shifts)| Gadget::MatMulAdd { weights, depth: 2, shifts })
            .to_vec(),
        // Divisors of one limb and of two, powers of two and others.
        "MeanPool" => [3, 4, 1, 200, 256].map(|rows| Gadget::MeanPool { rows, width: 1 }).to_vec(),
        "Narrow" => [12, 0, -2].map(|shift| Gadget::Narrow { shift }).to_vec(),
        "Range" => [21, 5, 0].map(|bits| Gadget::Range { bits }).to_vec(),
        "Relu" => [9, 0, -3].map(|shift| Gadget::Relu { shift }).to_vec(),
        "RmsNorm" => norms([23_130, -23_200], 14).map(Gadget::RmsNorm).to_vec(),
        "Rope" => [[11_585, 11_585], [16_384, 0]]
            .map(|rotations| Gadget::Rope { rotations: rotations.to_vec() })
            .to_vec(),
        _ => return None,
    };
    Some(gadgets)
}

/// Returns a gadget with drawn parameters; `turn` is how many were drawn before.
pub(crate) fn drawn(name: &str, turn: usize, random: &mut Random) -> Option<Gadget> {
    let wide = turn % 2 == 1;
    let shift = |random: &mut Random| random.between(-20, 40);
    let bits = |random: &mut Random| random.between(-5, 25);
    let gadget = match name {
        "AddBias" => {
            let added = [integer(true, random), integer(true, random)];
            Gadget::AddBias { added: added.map(i64::from).to_vec(), wide }
        }
        "Argmax" => Gadget::Argmax { count: 2 + turn % 4 },
        "Attention" => {
            let score_shift = shift(random).min(30);
            Gadget::Attention { head_dim: 2, positions: 1 + (turn + 1) % 3, score_shift }
        }
        "CacheAppend" => Gadget::CacheAppend { count: 1 + (turn + 2) % 4 },
        "GatedSilu" => Gadget::GatedSilu {
            gate_bits: bits(random),
            up_bits: bits(random),
            output_bits: bits(random),
        },
        "Gather" => {
            let rows = 4 + turn % 3;
            let rows = (0..rows).map(|_| vec![integer(true, random), integer(true, random)]);
            Gadget::Gather { count: 2, rows: rows.collect() }
        }
        "Gelu" => Gadget::Gelu {
            form: if wide { Gelu::Tanh } else { Gelu::Exact },
            input_bits: bits(random),
            output_bits: bits(random),
        },
        "HeadNorm" => Gadget::HeadNorm(norm(wide, random)),
        "Input" => Gadget::Input { count: 1, wide },
        "LayerNorm" => Gadget::LayerNorm(norm(wide, random)),
        "MatMul" => {
            let (weights, shifts) = product(random);
            Gadget::MatMul { weights, depth: 2, shifts, wide }
        }
        "MatMulAdd" => {
            let (weights, shifts) = product(random);
            Gadget::MatMulAdd { weights, depth: 2, shifts }
        }
        "MeanPool" => Gadget::MeanPool { rows: random.between(1, 40) as usize, width: 1 },
        "Narrow" => Gadget::Narrow { shift: shift(random) },
        "Range" => Gadget::Range { bits: random.between(0, 31) as u32 },
        "Relu" => Gadget::Relu { shift: shift(random) },
        "RmsNorm" => Gadget::RmsNorm(norm(wide, random)),
        "Rope" => {
            let angles = [random.between(-16_384, 16_384), random.between(-16_384, 16_384)];
            Gadget::Rope { rotations: angles.map(|angle| angle as i16).to_vec() }
        }
        _ => return None,
    };
    Some(gadget)
}

/// Returns norms whose results lie around the bounds of activations, with the given gains and
/// fraction bits; whose results exceed 32 bits; and whose epsilon is large.
fn norms(gain: [i16; 2], output_bits: i32) -> [NormParameters; 3] {
    let of = |gain: [i16; 2], gain_bits, output_bits, epsilon, wide| NormParameters {
        gain: gain.to_vec(),
        gain_bits,
        epsilon,
        output_bits,
        wide,
    };
    [
        of(gain, 14, output_bits, 0, false),
        of([23_170, -100], 14, 40, 0, true),
        of([23_170, -100], 2, 20, 1 << 40, false),
    ]
}

fn norm(wide: bool, random: &mut Random) -> NormParameters {
    NormParameters {
        gain: vec![integer(false, random) as i16, integer(false, random) as i16],
        gain_bits: random.between(-5, 25),
        epsilon: random.next() >> random.between(13, 63),
        output_bits: random.between(-5, 25),
        wide,
    }
}

/// Returns weights with two columns, and the shift of each row: a sum and a difference, then
/// products.
fn products() -> [(Vec<i32>, Vec<i32>); 3] {
    [
        (vec![512, 512, 512, -512], vec![9, 9]),
        (vec![1_016, -1_016, 5, 0], vec![16, 31]),
        (vec![1_016, -1_016, 5, 0], vec![2, 20]),
    ]
}

fn product(random: &mut Random) -> (Vec<i32>, Vec<i32>) {
    let weights = (0..4).map(|_| random.between(-1_016, 1_016)).collect();
    (weights, vec![random.between(1, 31), random.between(1, 31)])
}
