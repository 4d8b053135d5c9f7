//! Malicious provers: every value of every gadget is altered, and some constraint must refuse.

use std::{collections::BTreeMap, panic::catch_unwind, sync::OnceLock};

use halo2_proofs::halo2curves::{bn256::Fr, ff::Field};
use lazai_coprocessor::table;

use crate::{
    builder::{AssignedInt, Builder, field},
    constraints::{Cell, Constraints},
    gadget::{self, Attended, Norm},
    table::Table,
};

/// What a gadget is tried on: it takes its inputs, then calls `ready`, then adds its constraints.
type Gadget<'a> =
    dyn Fn(&mut Builder, &mut dyn FnMut(&mut Builder)) + core::panic::RefUnwindSafe + 'a;

const RANGE_BITS: u32 = 16;

fn tables() -> &'static BTreeMap<Table, Vec<u16>> {
    static TABLES: OnceLock<BTreeMap<Table, Vec<u16>>> = OnceLock::new();
    TABLES.get_or_init(|| {
        BTreeMap::from([
            (Table::Exp, table::exp()),
            (Table::Sigmoid, table::sigmoid()),
            (Table::Gelu, table::gelu()),
            (Table::Rsqrt, table::reciprocal_sqrt()),
        ])
    })
}

/// Whether `value`, tag and all, is a row of its table.
fn is_row(table: Table, value: Fr) -> bool {
    let bytes = value.to_bytes();
    let (low, high) = bytes.split_at(8);
    if high.iter().any(|byte| *byte != 0) {
        return false;
    }
    let value = low.iter().rev().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let (index, entry) = ((value & 0xffff) as usize, value >> 16);
    let found = match table {
        Table::Range => (index < 1 << RANGE_BITS).then_some(0),
        table => tables()[&table].get(index).copied(),
    };
    found.is_some_and(|found| u64::from(found) == entry)
}

/// Where each cell takes part.
struct Index<'a> {
    constraints: &'a Constraints,
    gates: BTreeMap<Cell, Vec<usize>>,
    lookups: BTreeMap<Cell, Vec<Table>>,
    products: BTreeMap<Cell, Vec<usize>>,
    constants: BTreeMap<Cell, Fr>,
}

impl<'a> Index<'a> {
    fn new(constraints: &'a Constraints) -> Self {
        let mut index = Self {
            constraints,
            gates: BTreeMap::new(),
            lookups: BTreeMap::new(),
            products: BTreeMap::new(),
            constants: constraints.constants.iter().copied().collect(),
        };
        for (at, gate) in constraints.gates.iter().enumerate() {
            for cell in gate {
                index.gates.entry(*cell).or_default().push(at);
            }
        }
        for (table, cell) in &constraints.lookups {
            index.lookups.entry(*cell).or_default().push(*table);
        }
        for (at, product) in constraints.products.iter().enumerate() {
            for cell in product.input.iter().chain(&product.output) {
                index.products.entry(*cell).or_default().push(at);
            }
        }
        index
    }

    /// Whether every constraint holds if `altered` holds `value`, all else being as it was.
    fn accepts(&self, altered: Cell, value: Fr) -> bool {
        let get = |cell: &Cell| {
            if *cell == altered { value } else { self.constraints.values[cell.index()] }
        };
        let of = |map: &BTreeMap<Cell, Vec<usize>>| map.get(&altered).cloned().unwrap_or_default();
        self.constants.get(&altered).is_none_or(|constant| *constant == value)
            && of(&self.gates).iter().all(|at| {
                let [a, b, c, d] = &self.constraints.gates[*at];
                get(a) + get(b) * get(c) == get(d)
            })
            && self
                .lookups
                .get(&altered)
                .is_none_or(|tables| tables.iter().all(|table| is_row(*table, value)))
            && of(&self.products).iter().all(|at| {
                let product = &self.constraints.products[*at];
                let sums = product.input.chunks(product.depth).flat_map(|x| {
                    product.weights.chunks(product.depth).map(move |w| {
                        let terms = x.iter().zip(w);
                        terms.fold(Fr::ZERO, |sum, (x, w)| sum + get(x) * field((*w).into()))
                    })
                });
                sums.eq(product.output.iter().map(get))
            })
    }

    /// Whether all constraints hold.
    fn holds(&self) -> bool {
        let values = &self.constraints.values;
        self.gates
            .keys()
            .chain(self.lookups.keys())
            .chain(self.products.keys())
            .all(|cell| self.accepts(*cell, values[cell.index()]))
    }
}

fn build(gadget: &Gadget<'_>, tampered: Option<(usize, i128)>) -> (Constraints, usize, usize) {
    let mut builder = Builder::new(RANGE_BITS);
    builder.tampered_witness = tampered;
    let mut first = 0;
    gadget(&mut builder, &mut |builder| first = builder.witnesses);
    let last = builder.witnesses;
    (builder.finish(), first, last)
}

/// Alters every value, alone and with all that follows from it; returns how many alterations there
/// were.
fn sweep(name: &str, gadget: &Gadget<'_>) -> usize {
    let (constraints, first, last) = build(gadget, None);
    let index = Index::new(&constraints);
    assert!(index.holds(), "{name}: an honest prover is refused");
    let (mut tried, mut accepted) = (0, Vec::new());
    for at in 0..constraints.values.len() {
        let (cell, value) = (Cell::new(at), constraints.values[at]);
        let random = field(0x1234_5678_9abc_def0_0fed_cba9 + at as i128).square();
        let others = [
            value + Fr::ONE,
            value - Fr::ONE,
            -value,
            value.double(),
            value + Fr::from(1 << 16),
            Fr::ONE - value,
            Fr::ZERO,
            random,
        ];
        for other in others.into_iter().filter(|other| *other != value) {
            tried += 1;
            if index.accepts(cell, other) {
                accepted.push(format!("cell {at}: {value:?} as {other:?}"));
            }
        }
    }
    for at in first..last {
        for added in [1, -1, 2, -2, 1 << 8, 1 << 16, -(1 << 16), 1 << 32] {
            tried += 1;
            let forged = catch_unwind(|| build(gadget, Some((at, added))).0);
            // A prover that cannot go on has no proof.
            if forged.is_ok_and(|forged| Index::new(&forged).holds()) {
                accepted.push(format!("witness {at} + {added}"));
            }
        }
    }
    println!("{name}: tried {tried}, accepted {}", accepted.len());
    assert!(accepted.is_empty(), "{name}: {accepted:#?}");
    tried
}

/// The values of a look-up, altered together: the entry of another row, divided so that index and
/// entry still make a row.
#[test]
fn no_fraction_is_an_entry() {
    let entries = &tables()[&Table::Exp][..];
    for (index, other) in [(5, 6), (5, 32_773), (40_000, 7), (0, 65_535)] {
        let gadget = |builder: &mut Builder, ready: &mut dyn FnMut(&mut Builder)| {
            let index = builder.witness(index);
            builder.range_check(index, 16);
            ready(builder);
            builder.entry(Table::Exp, index, entries);
        };
        let (mut constraints, ..) = build(&gadget, None);
        assert!(Index::new(&constraints).holds());
        let row = field(i128::from(Table::row(other, entries[usize::from(other)])));
        let entry = (row - field(index)) * Fr::from(1 << 16).invert().unwrap();
        let Some((_, cell)) = constraints.lookups.iter().rfind(|(table, _)| *table == Table::Exp)
        else {
            panic!("a row is looked up")
        };
        let made = constraints.gates.iter().find(|gate| gate[3] == *cell).copied().unwrap();
        constraints.values[cell.index()] = row;
        constraints.values[made[1].index()] = entry;
        assert!(!Index::new(&constraints).holds(), "{index} as {other}");
    }
}

/// A value that nothing else bounds: a row of one table must not be one of another.
#[test]
fn no_row_of_one_table_is_one_of_another() {
    use halo2_proofs::dev::MockProver;

    use crate::{assignment::AssignedWitness, layout::Layout};

    let rows = BTreeMap::from([
        (Table::Range, (0..1 << 8).collect::<Vec<u32>>()),
        (Table::Rsqrt, (0..100).map(|index| Table::row(index, 1_000 + index)).collect()),
    ]);
    let row = i128::from(Table::row(3, 1_003));
    let tags = [0, 1 << 32, i128::from(Table::Rsqrt.tag()), i128::from(Table::Rsqrt.tag()) << 32];
    let holds = |table: Table, value: i128| {
        let mut builder = Builder::new(8);
        let looked_up = builder.witness(value);
        builder.lookup(table, looked_up);
        let row = builder.constant(row);
        builder.lookup(Table::Rsqrt, row);
        let sum = builder.add(looked_up, row);
        builder.publish(sum.cell());
        let constraints = builder.finish();
        let layout = Layout::new(&constraints, &rows, 10).unwrap();
        let public = constraints.instance.iter().map(|cell| constraints.values[cell.index()]);
        let placed = AssignedWitness::new(&constraints, &layout);
        MockProver::run(10, &placed, vec![public.collect()]).unwrap().verify().is_ok()
    };
    assert!(holds(Table::Range, 255) && holds(Table::Rsqrt, row));
    assert!(!holds(Table::Range, 256) && !holds(Table::Rsqrt, row + 1) && !holds(Table::Rsqrt, 3));
    for tag in tags {
        assert!(!holds(Table::Range, row + tag), "{tag}");
        assert!(!holds(Table::Rsqrt, 7 - tag), "{tag}");
    }
}

fn inputs(builder: &mut Builder, values: &[i32]) -> Vec<AssignedInt> {
    values.iter().map(|value| gadget::take_i16(builder, *value)).collect()
}

fn wide(builder: &mut Builder, values: &[i32]) -> Vec<AssignedInt> {
    values.iter().map(|value| gadget::take_i32(builder, *value)).collect()
}

#[test]
fn no_altered_value_of_any_gadget_is_accepted() {
    let [rsqrt, exp, sigmoid, gelu] =
        [Table::Rsqrt, Table::Exp, Table::Sigmoid, Table::Gelu].map(|table| &tables()[&table][..]);
    let norm = |wide| Norm {
        gain: &[23_170, -100, 7, 16_384],
        gain_bits: 14,
        epsilon: 3,
        output_bits: 12,
        rsqrt,
        wide,
    };
    let mut tried = 0;
    for value in [-32_768, -5, 0, 7, 32_639] {
        for shift in [-3, 0, 1, 5, 17] {
            tried += sweep(&format!("Relu of {value} by {shift}"), &move |builder, ready| {
                let x = inputs(builder, &[value]);
                ready(builder);
                gadget::relu(builder, x[0], shift);
            });
        }
    }
    for value in [i32::MIN, -40_000, -1, 0, 1 << 20, i32::MAX] {
        for shift in [-2, 0, 4, 20] {
            tried += sweep(&format!("Narrow of {value} by {shift}"), &move |builder, ready| {
                let x = wide(builder, &[value]);
                ready(builder);
                gadget::narrow(builder, x[0], shift);
            });
        }
    }
    for (value, bits) in [(1_000, 11), (-20_000, 9), (3, 14)] {
        tried += sweep(&format!("Gelu of {value}"), &|builder, ready| {
            let x = inputs(builder, &[value]);
            ready(builder);
            gadget::gelu(builder, (Table::Gelu, gelu), x[0], bits, 12);
        });
        tried += sweep(&format!("GatedSilu of {value}"), &|builder, ready| {
            let x = inputs(builder, &[value, -value / 2]);
            ready(builder);
            gadget::gated(builder, sigmoid, (x[0], bits), (x[1], 10), 12);
        });
    }
    for values in [[0; 4], [1, -1, 2, 0], [30_000, -32_768, 5, 8], [i32::MIN, i32::MAX, 9, 77]] {
        tried += sweep(&format!("RmsNorm of {values:?}"), &|builder, ready| {
            let x = wide(builder, &values);
            ready(builder);
            gadget::rms_norm(builder, &x, &norm(false), 31);
        });
        tried += sweep(&format!("LayerNorm of {values:?}"), &|builder, ready| {
            let x = wide(builder, &values);
            ready(builder);
            gadget::layer_norm(builder, &x, &norm(true));
        });
    }
    tried += sweep("HeadNorm", &|builder, ready| {
        let x = inputs(builder, &[3_000, -32_768, 0, 12]);
        ready(builder);
        gadget::rms_norm(builder, &x, &norm(false), 15);
    });
    for values in [[0, 0, 0], [127, -128, 3], [-32_768, 255, 9], [32_639, 32_600, -7]] {
        tried += sweep(&format!("CacheAppend of {values:?}"), &move |builder, ready| {
            let x = inputs(builder, &values);
            ready(builder);
            gadget::compress(builder, &x, 7, 15);
        });
    }
    tried += sweep("Rope", &|builder, ready| {
        let mut x = inputs(builder, &[30_000, -5, 32_000, 9]);
        ready(builder);
        gadget::rope(builder, &mut x, &[11_585, 11_585, 16_384, 0]);
    });
    tried += sweep("Attention", &|builder, ready| {
        let query = inputs(builder, &[3_000, -9_000]);
        let keys = [[100, -3], [-20_000, 31_000], [5, 7]].map(|key| {
            let key = inputs(builder, &key);
            gadget::compress(builder, &key, 7, 15)
        });
        let values = [[1_000, 2_000], [-30_000, 4], [17, -17]].map(|value| inputs(builder, &value));
        ready(builder);
        let attended = Attended { keys: &keys, values: &values, score_shift: 9, exp };
        gadget::attend(builder, &query, &attended);
    });
    tried += sweep("MeanPool", &|builder, ready| {
        let x = inputs(builder, &[3, -9, 32_639, -32_768, 5, 6]);
        ready(builder);
        gadget::mean_pool(builder, &x, 2);
    });
    for wide_bias in [false, true] {
        tried += sweep(&format!("AddBias, AddPositions: {wide_bias}"), &move |builder, ready| {
            let mut x = inputs(builder, &[32_000, -9]);
            ready(builder);
            gadget::add_row(builder, &mut x, &[1_000, i32::MIN], wide_bias);
        });
    }
    tried += sweep("MatMul", &|builder, ready| {
        let x = inputs(builder, &[32_639, -3, 9, -32_768]);
        ready(builder);
        let y = builder.product(&x, vec![1_016, -1_016, 5, 0, 3, 8], 2);
        for (y, shift) in y.into_iter().zip([1, 9, 16, 17, 20, 31]) {
            let rounded = builder.rounded(y, shift);
            builder.sat16(rounded, 30);
        }
    });
    tried += sweep("MatMulAdd", &|builder, ready| {
        let (x, residual) = (inputs(builder, &[32_639, -3]), wide(builder, &[i32::MAX - 5]));
        ready(builder);
        let y = builder.product(&x, vec![1_016, -1_016], 2);
        let rounded = builder.rounded(y[0], 7);
        let added = builder.add(residual[0], rounded);
        builder.sat32(added, 31);
    });
    tried += sweep("Gather", &|builder, ready| {
        ready(builder);
        let (names, _) = gadget::gather(builder, &[2, 0], &[vec![1, 2], vec![3, 4], vec![5, 6]]);
        // The tokens are public.
        for (name, token) in names.into_iter().zip([2, 0]) {
            let token = builder.constant(token);
            builder.assert_equal(name, token);
        }
    });
    for scores in [[5, 5, 3], [3, 9, 9], [i32::MIN, i32::MIN, i32::MAX]] {
        tried += sweep(&format!("argmax of {scores:?}"), &move |builder, ready| {
            let x = wide(builder, &scores);
            ready(builder);
            gadget::best(builder, &x);
        });
    }
    println!("all gadgets: tried {tried}, accepted 0");
}
