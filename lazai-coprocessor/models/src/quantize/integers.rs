use lazai_coprocessor::{
    numeric::{ACTIVATION_MAX, ACTIVATION_MIN},
    program::{Format, Value},
};

/// Returns the nearest integers of real numbers as `value` holds them, saturated at its format; 0
/// for what is not a number.
#[must_use]
pub fn to_integers(value: &Value, reals: &[f32]) -> Vec<i32> {
    let (min, max) = match value.format {
        Format::I16 => (ACTIVATION_MIN.into(), ACTIVATION_MAX.into()),
        Format::I32 => (i32::MIN, i32::MAX),
    };
    let unit = value.unit();
    let integer = |real: &f32| ((f64::from(*real) / unit).round() as i32).clamp(min, max);
    reals.iter().map(integer).collect()
}
