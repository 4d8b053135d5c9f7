//! A fixed share of the sweep that the example `sweep` makes in full.

use std::collections::BTreeSet;

use lazai_coprocessor::program::Operator;
use lazai_determinism::{Constraint, GADGETS, GadgetReport, LeftOut, Sweep, System};
use lazai_halo2::{Gadget, PlacedCircuit};

/// Every gadget has one solution at extreme integers with each of its chosen parameters, and every
/// line of its source that makes constraints is needed for that. Most are needed by a second
/// solution, which keeps all other constraints.
#[test]
fn every_gadget_has_one_solution_and_needs_all_constraints() {
    let sweep = Sweep { drawn: 0, inputs: 8, range_bits: vec![8], ..Sweep::default() };
    let reports = sweep.run(&mut |report| println!("{report}")).unwrap();
    assert_eq!(reports.len(), GADGETS.len());
    println!("{}", GadgetReport::total(&reports));
    for report in &reports {
        assert_eq!(report.failures, Vec::<String>::new());
        assert_eq!(report.unique, report.inputs);
        let unnoticed: Vec<_> =
            report.left_out().into_iter().flat_map(LeftOut::unnoticed).collect();
        assert_eq!(unnoticed, Vec::<String>::new(), "{}", report.name);
        assert!(report.passes());
        let open: Vec<_> = report.left_out().into_iter().flat_map(LeftOut::open).collect();
        assert!(open.len() <= 3, "{}: {open:#?}", report.name);
    }
}

/// Every operator has a gadget that is checked, but those that only choose rows, and one that is
/// proved as another.
#[test]
fn every_operator_has_a_gadget() {
    let mut names = BTreeSet::from(Operator::NAMES);
    for name in ["AddPositions", "FirstRow", "LastRows"] {
        assert!(names.remove(name), "{name}");
    }
    names.extend(["Argmax", "Range"]);
    assert!(names.into_iter().eq(GADGETS));
}

/// Widths at which limbs do not divide the bits of integers, and parameters that are drawn.
#[test]
fn every_gadget_has_one_solution_at_other_widths() {
    let sweep =
        Sweep { drawn: 2, inputs: 8, range_bits: vec![10], leave_out: false, ..Sweep::default() };
    for report in sweep.run(&mut |report| println!("{report}")).unwrap() {
        assert_eq!(report.failures, Vec::<String>::new());
        assert_eq!(report.unique, report.inputs);
    }
}

/// With one limb, the lower bound of a saturation is implied in `Relu` and needed in `Narrow`, and
/// that the rest of a rounding is an integer is implied in both. With two limbs, nothing is.
#[test]
fn a_constraint_that_is_implied_is_named() {
    let relu = |gadgets: &[&str], range_bits: &[u32]| {
        let sweep = Sweep {
            gadgets: gadgets.iter().map(|name| (*name).to_owned()).collect(),
            drawn: 0,
            inputs: 6,
            range_bits: range_bits.to_vec(),
            ..Sweep::default()
        };
        let report = sweep.run(&mut |report| println!("{report}")).unwrap().swap_remove(0);
        assert_eq!((report.name.as_str(), report.unique), ("Relu", report.inputs));
        let unnoticed = report.left_out().into_iter().flat_map(LeftOut::unnoticed).collect();
        (report, unnoticed)
    };
    let (report, unnoticed): (_, Vec<String>) = relu(&["Relu"], &[16]);
    assert!(!report.passes());
    assert_eq!((unnoticed.len(), report.lookups.alone()), (2, 0), "{unnoticed:#?}");
    let (report, unnoticed) = relu(&["Relu", "Narrow"], &[16]);
    assert!(!report.passes());
    assert!(unnoticed.len() == 1 && unnoticed[0].starts_with("rounded at"), "{unnoticed:#?}");
    let alone: Vec<String> = report.lookups.noticed_alone().collect();
    assert!(alone.len() == 1 && alone[0].starts_with("clamped at"), "{alone:#?}");
    assert!(alone[0].ends_with("in Narrow"), "{alone:#?}");
    let (report, unnoticed) = relu(&["Relu"], &[8, 16]);
    assert!(report.passes() && unnoticed.is_empty() && report.lookups.alone() == 0);
}

#[test]
fn the_source_of_every_constraint_is_known() {
    for gadget in [Gadget::CacheAppend { count: 2 }, Gadget::MeanPool { rows: 3, width: 1 }] {
        let inputs = vec![5; gadget.inputs().len()];
        let placed = PlacedCircuit::gadget(&gadget, &inputs, 8).unwrap();
        let (system, _) = System::read(&placed, placed.k(), &[Vec::new()]).unwrap();
        let sites = placed.sites();
        for constraint in system.constraints() {
            let (column, row) = system.place(constraint).unwrap();
            let calls = sites.at(column, row).unwrap().calls();
            let made = if matches!(constraint, Constraint::Lookup(_)) { "lookup" } else { "gate" };
            assert_eq!(calls.last().unwrap().method, made);
        }
    }
}
