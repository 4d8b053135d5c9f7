//! Lookups: what an index, an entry and a tag may be. `lazai-determinism` checks all else of
//! gadgets.

use std::collections::BTreeMap;

use halo2_proofs::{dev::MockProver, halo2curves::bn256::Fr};
use lazai_coprocessor::table;

use super::support::violation;
use crate::{
    assignment::AssignedWitness,
    builder::{Builder, field},
    layout::Layout,
    table::Table,
};

/// The values of a look-up, altered together: the entry of another row, divided so that index and
/// entry still make a row.
#[test]
fn no_fraction_is_an_entry() {
    let entries = table::exp();
    let rows = (0..=u16::MAX).zip(&entries).map(|(index, entry)| Table::row(index, *entry));
    let tables =
        BTreeMap::from([(Table::Range, (0..1 << 16).collect()), (Table::Exp, rows.collect())]);
    for (index, other) in [(5, 6), (5, 32_773), (40_000, 7), (0, 65_535)] {
        let mut builder = Builder::new(16);
        let looked_up = builder.witness(index);
        builder.range_check(looked_up, 16);
        builder.entry(Table::Exp, looked_up, &entries);
        let mut constraints = builder.finish();
        assert_eq!(violation(&constraints, &tables), None);
        let row = field(i128::from(Table::row(other, entries[usize::from(other)])));
        let entry = (row - field(index)) * Fr::from(1 << 16).invert().unwrap();
        let is_row = |(table, _): &&(Table, _)| *table == Table::Exp;
        let (_, cell) = *constraints.lookups.iter().rfind(is_row).unwrap();
        let made = *constraints.gates.iter().find(|gate| gate[3] == cell).unwrap();
        constraints.values[cell.index()] = row;
        constraints.values[made[1].index()] = entry;
        assert!(violation(&constraints, &tables).is_some(), "{index} as {other}");
    }
}

/// A value that nothing else bounds: a row of one table must not be one of another.
#[test]
fn no_row_of_one_table_is_one_of_another() {
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
