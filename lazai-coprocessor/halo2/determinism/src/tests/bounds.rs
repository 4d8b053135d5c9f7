//! Bounds belong to the values that are read, one by one.

use crate::sweep::bounds_of;

#[test]
fn a_value_without_a_variable_shifts_no_bounds() {
    let bounds = [(0, 1), (-5, 5), (7, 9)];
    let known = [Some(4), Some(2), Some(8)];
    assert_eq!(bounds_of(&known, &bounds), Some(vec![(4, 0, 1), (2, -5, 5), (8, 7, 9)]));
    assert_eq!(bounds_of(&[Some(4), None, Some(8)], &bounds), None);
    assert_eq!(bounds_of(&known[..2], &bounds), None);
}
