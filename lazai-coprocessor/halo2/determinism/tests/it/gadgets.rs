//! A fixed share of the sweep that the example `sweep` makes in full.

use lazai_determinism::{GADGETS, GadgetReport, Sweep};

fn report(sweep: &Sweep) -> GadgetReport {
    let reports = sweep.run(&mut |report| println!("{report}")).unwrap();
    let total = GadgetReport::total(&reports);
    assert_eq!(total.failures, Vec::<String>::new());
    total
}

#[test]
fn every_gadget_has_one_solution() {
    for (range_bits, parameters) in [(16, 2), (8, 4)] {
        let sweep = Sweep {
            parameters,
            inputs: 8,
            range_bits: vec![range_bits],
            left_out_at: Vec::new(),
            ..Sweep::default()
        };
        let total = report(&sweep);
        assert_eq!(total.circuits, parameters * GADGETS.len());
        assert!(total.inputs >= 8 * total.circuits);
        assert_eq!(total.unique, total.inputs);
    }
}

/// What stays unnoticed is implied by others, as docs/determinism.md says.
#[test]
fn constraints_of_gadgets_that_are_left_out_are_noticed() {
    let names = ["Argmax", "CacheAppend", "Gather", "Gelu", "MatMul", "Narrow", "Relu", "Rope"];
    let sweep = Sweep {
        gadgets: names.map(str::to_owned).to_vec(),
        parameters: 1,
        inputs: 14,
        range_bits: vec![16],
        left_out_at: vec![16],
        ..Sweep::default()
    };
    let GadgetReport { lookups, zeros, sums, .. } = report(&sweep);
    println!("{:#?}", [&lookups.unnoticed, &zeros.unnoticed]);
    assert_eq!(sums.unnoticed, Vec::<String>::new());
    assert_eq!((zeros.count, zeros.noticed), (65, 61));
    assert!(zeros.unnoticed.iter().all(|unnoticed| unnoticed.contains("Bit of")));
    assert_eq!(lookups.count, 76);
    assert!(lookups.noticed >= 50, "{lookups}");
    assert!(lookups.second >= 50, "{lookups}");
}
