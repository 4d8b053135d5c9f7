//! Circuits with holes, each of which the checker must find.

use halo2_proofs::halo2curves::{
    bn256::Fr,
    ff::{Field, PrimeField},
};
use lazai_determinism::{Constraint, Part, Question, ReadError, System, Verdict, check_parts};

use super::toy::{K, Tags, Toy};

const INDEX: usize = 3;
const ENTRY: usize = 4;

/// The entry at a public index, bounded or not.
fn entry(bounded: bool) -> Toy {
    let mut toy = Toy { table: (0..16).map(|small| (0, small)).collect(), ..Toy::default() };
    toy.table.extend((0..8).map(|index| (5, index + 16 * (11 - index))));
    let zero = toy.constant(Fr::ZERO);
    let one = toy.constant(Fr::ONE);
    let sixteen = toy.constant(Fr::from(16));
    let index = toy.cell(Fr::from(3));
    let entry = toy.cell(Fr::from(8));
    assert_eq!((index, entry), (INDEX, ENTRY));
    toy.public.push(index);
    let row = toy.sum(index, entry, sixteen);
    toy.lookups.push((5, row));
    toy.sum(zero, index, one);
    if bounded {
        toy.lookups.push((0, entry));
    }
    toy
}

#[test]
fn an_entry_without_a_bound_is_any_fraction() {
    assert_eq!(entry(true).answer(), Verdict::Unique);
    let open = entry(false);
    let (system, honest) = open.read();
    let Verdict::Second(values) = Question::new(&system, &honest).answer() else {
        panic!("the entry of another row, divided, is not found")
    };
    let entry = open.variable(&system, ENTRY).unwrap() as usize;
    assert_eq!(honest[entry], Fr::from(8));
    let low = u64::from_le_bytes(values[entry].to_repr()[..8].try_into().unwrap());
    assert!(values[entry] != Fr::from(low), "{:?} is no fraction", values[entry]);
    assert!(system.constraints().all(|constraint| system.holds(constraint, &values)));
}

/// `x + y` is public, `x` is in one table and `y` in another.
fn two_tables(tags: Tags) -> Toy {
    let mut toy = Toy { tags, ..Toy::default() };
    toy.table.extend((0..8).map(|small| (0, small)));
    toy.table.push((5, 10));
    let one = toy.constant(Fr::ONE);
    let (x, y) = (toy.cell(Fr::from(10)), toy.cell(Fr::from(3)));
    let sum = toy.sum(x, y, one);
    toy.public.push(sum);
    toy.lookups.extend([(5, x), (0, y)]);
    toy
}

#[test]
fn a_row_of_another_table_passes_where_tags_are_numbers() {
    assert_eq!(two_tables(Tags::Challenge).answer(), Verdict::Unique);
    let open = two_tables(Tags::PowerOfTwo);
    let (system, honest) = open.read();
    let Verdict::Second(values) = Question::new(&system, &honest).answer() else {
        panic!("a row of the other table, tag and all, is not found")
    };
    // A row of the first table, less the difference of the tags.
    let x = open.variable(&system, 1).unwrap() as usize;
    let row = values[x] + Fr::from(5 << 32);
    assert!((0..8).any(|small| row == Fr::from(small)), "{row:?}");
}

#[test]
fn a_value_that_two_gates_bind_is_open_without_either() {
    // x^2 = 9, and x - 3 is 0 or 1: without the second, -3 is another root.
    let mut toy = Toy::default();
    let (zero, one) = (toy.constant(Fr::ZERO), toy.constant(Fr::ONE));
    let (nine, less) = (toy.constant(Fr::from(9)), toy.constant(-Fr::from(3)));
    let x = toy.cell(Fr::from(3));
    toy.gates.push([zero, x, x, nine]);
    let bit = toy.sum(x, less, one);
    toy.gates.push([zero, bit, bit, bit]);
    let (system, values) = toy.read();
    let question = Question::new(&system, &values);
    assert_eq!(question.answer(), Verdict::Unique);
    let second = |constraint| matches!(question.without(constraint), Verdict::Second(_));
    assert!(second(Constraint::Equation(0)));
    assert!(second(Constraint::Equation(2)));
}

#[test]
fn a_constraint_that_others_imply_is_not_needed() {
    let mut toy = Toy { table: (0..8).map(|small| (0, small)).collect(), ..Toy::default() };
    let (zero, one, three) =
        (toy.constant(Fr::ZERO), toy.constant(Fr::ONE), toy.constant(Fr::from(3)));
    let x = toy.cell(Fr::from(3));
    toy.gates.push([zero, x, one, three]);
    toy.lookups.push((0, x));
    let (system, values) = toy.read();
    let question = Question::new(&system, &values);
    let bound = question.constraints().iter().rev().find_map(|constraint| match constraint {
        Constraint::Lookup(_) if question.without(*constraint) == Verdict::Unique => Some(()),
        _ => None,
    });
    assert_eq!(bound, Some(()));
    assert_ne!(question.without(Constraint::Equation(0)), Verdict::Unique);
}

#[test]
fn a_witness_that_breaks_a_constraint_is_refused() {
    let mut toy = entry(true);
    toy.values[ENTRY] += Fr::ONE;
    assert!(matches!(toy.answer(), Verdict::Broken(_)));
    let mut toy = two_tables(Tags::Challenge);
    toy.values[1] += Fr::ONE;
    toy.values[2] -= Fr::ONE;
    assert!(matches!(toy.answer(), Verdict::Broken(Constraint::Lookup(_))));
}

/// A constant that is another public input, and one that is no row of its table.
#[test]
fn what_is_known_may_contradict_itself() {
    let mut toy = Toy { table: (0..8).map(|small| (0, small)).collect(), ..Toy::default() };
    let (one, three) = (toy.constant(Fr::ONE), toy.constant(Fr::from(3)));
    let x = toy.sum(three, one, one);
    let mut other = toy.clone();
    toy.public.push(three);
    let nine = other.constant(Fr::from(9));
    other.lookups.push((0, nine));
    let no_rows = [vec![Fr::from(3)], vec![Fr::from(4)]].map(|public| (&toy, public));
    for ((toy, public), holds) in
        no_rows.into_iter().chain([(&other, Vec::new())]).zip([true, false, false])
    {
        let (system, values) = System::read(toy, K, &[public]).unwrap();
        let verdict = Question::new(&system, &values).given([]).answer();
        assert_eq!(verdict == Verdict::Unique, holds, "{verdict:?}");
        assert!(holds || matches!(verdict, Verdict::Broken(_)), "{verdict:?}");
        let made = toy.variable(&system, x).into_iter().collect();
        let parts = check_parts(&system, &values, &[], &[Part { name: "all".to_owned(), made }]);
        assert_eq!(parts[0].unique, holds);
    }
}

#[test]
fn one_half_is_an_element_but_no_integer() {
    // 2 x = 1 has the solution (p + 1) / 2.
    let mut toy = Toy { table: (0..8).map(|small| (0, small)).collect(), ..Toy::default() };
    let (zero, one, two) =
        (toy.constant(Fr::ZERO), toy.constant(Fr::ONE), toy.constant(Fr::from(2)));
    let half = toy.cell(Fr::from(2).invert().unwrap());
    toy.gates.push([zero, half, two, one]);
    assert_eq!(toy.answer(), Verdict::Unique);
    toy.lookups.push((0, half));
    assert!(matches!(toy.answer(), Verdict::Broken(Constraint::Lookup(_))));
}

#[test]
fn a_value_that_a_lookup_bounds_is_open_without_it() {
    let mut toy = Toy { table: (0..8).map(|small| (0, small)).collect(), ..Toy::default() };
    let (three, one) = (toy.constant(Fr::from(3)), toy.constant(Fr::ONE));
    let x = toy.cell(Fr::from(5));
    let sum = toy.sum(three, x, one);
    toy.lookups.push((0, x));
    let (system, values) = toy.read();
    let x = toy.variable(&system, x).unwrap();
    let asked = |low, high| Question::new(&system, &values).bounded([(x, low, high)]);
    assert_eq!(asked(0, 7).answer(), Verdict::Bounded);
    assert_eq!(asked(-1, 9).answer(), Verdict::Bounded);
    let Verdict::Second(other) = asked(0, 6).answer() else { panic!("7 is not found") };
    assert_eq!(other[x as usize], Fr::from(7));
    let Verdict::Second(other) = asked(1, 7).answer() else { panic!("0 is not found") };
    assert_eq!(other[x as usize], Fr::ZERO);
    let question = asked(0, 7);
    let is_lookup = |constraint: &&Constraint| matches!(constraint, Constraint::Lookup(_));
    let lookup = *question.constraints().iter().find(is_lookup).unwrap();
    let Verdict::Second(other) = question.without(lookup) else { panic!("nothing is found") };
    let sum = toy.variable(&system, sum).unwrap();
    assert!((0..8).all(|small| other[x as usize] != Fr::from(small)));
    assert_eq!(other[sum as usize], other[x as usize] + Fr::from(3));
}

/// With counts that are chosen after the challenges, any value passes for a row of a table.
#[test]
fn an_argument_that_a_prover_can_close_afterwards_is_refused() {
    for (tags, what) in [
        (Tags::CountedLate, "a value or a count of a later phase"),
        (Tags::Moved, "a public input in the argument"),
    ] {
        let read = System::read(&two_tables(tags), K, &[vec![Fr::from(13)]]);
        assert_eq!(read.unwrap_err(), ReadError::Lookups { what });
    }
}

/// With all tags 1, `beta - gamma - v` and `gamma - beta - r` differ by the sign alone if `v` is
/// `-r`: the argument admits the negatives of the rows.
#[test]
fn challenges_that_change_roles_are_refused() {
    let toy = |tags: Tags| {
        let mut toy = Toy { tags, ..Toy::default() };
        toy.table.extend((0..8).map(|small| (1, small)));
        let (zero, three) = (toy.constant(Fr::ZERO), toy.constant(Fr::from(3)));
        let one = toy.constant(Fr::ONE);
        // v (v + 3) = 0
        let v = toy.cell(Fr::ZERO);
        let sum = toy.sum(v, three, one);
        toy.gates.push([zero, v, sum, zero]);
        toy.lookups.push((1, v));
        toy
    };
    assert_eq!(toy(Tags::Challenge).answer(), Verdict::Unique);
    let read = System::read(&toy(Tags::Swapped), K, &[Vec::new()]);
    let what = "denominators whose challenges have different roles";
    assert_eq!(read.err(), Some(ReadError::Lookups { what }));
}

/// The first part makes `y`, of which only the second says something: that `z = y + 1`.
#[test]
fn a_value_that_its_own_part_does_not_constrain_is_open() {
    let mut toy = Toy::default();
    let one = toy.constant(Fr::ONE);
    let x = toy.cell(Fr::from(4));
    let bound = toy.sum(one, x, one);
    let y = toy.cell(Fr::from(5));
    let z = toy.sum(y, one, one);
    let (system, values) = toy.read();
    let [x, bound, y, z] = [x, bound, y, z].map(|cell| toy.variable(&system, cell).unwrap());
    let part = |name: &str, made: &[u32]| Part { name: name.to_owned(), made: made.to_vec() };
    let unique = |parts: &[Part]| -> Vec<bool> {
        check_parts(&system, &values, &[x], parts).iter().map(|part| part.unique).collect()
    };
    assert_eq!(unique(&[part("first", &[x, bound, y]), part("second", &[z])]), [false, true]);
    assert_eq!(unique(&[part("first", &[x, bound]), part("second", &[y, z])]), [true, false]);
    let reports = check_parts(&system, &values, &[x, y], &[part("all", &[x, bound, y, z])]);
    assert!(reports[0].unique && reports[0].constraints == 2);
}
