/// A value of the metadata.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Several values of one type.
    Array(Array),
    /// A boolean.
    Bool(bool),
    /// A 32-bit floating-point number.
    F32(f32),
    /// A 64-bit floating-point number.
    F64(f64),
    /// A signed 8-bit integer.
    I8(i8),
    /// A signed 16-bit integer.
    I16(i16),
    /// A signed 32-bit integer.
    I32(i32),
    /// A signed 64-bit integer.
    I64(i64),
    /// A text.
    String(String),
    /// An unsigned 8-bit integer.
    U8(u8),
    /// An unsigned 16-bit integer.
    U16(u16),
    /// An unsigned 32-bit integer.
    U32(u32),
    /// An unsigned 64-bit integer.
    U64(u64),
}

/// An array of the metadata; every element has the same type.
#[derive(Clone, Debug, PartialEq)]
pub enum Array {
    /// Arrays, which may differ in type and length.
    Array(Vec<Self>),
    /// Booleans.
    Bool(Vec<bool>),
    /// 32-bit floating-point numbers.
    F32(Vec<f32>),
    /// 64-bit floating-point numbers.
    F64(Vec<f64>),
    /// Signed 8-bit integers.
    I8(Vec<i8>),
    /// Signed 16-bit integers.
    I16(Vec<i16>),
    /// Signed 32-bit integers.
    I32(Vec<i32>),
    /// Signed 64-bit integers.
    I64(Vec<i64>),
    /// Texts.
    String(Vec<String>),
    /// Unsigned 8-bit integers.
    U8(Vec<u8>),
    /// Unsigned 16-bit integers.
    U16(Vec<u16>),
    /// Unsigned 32-bit integers.
    U32(Vec<u32>),
    /// Unsigned 64-bit integers.
    U64(Vec<u64>),
}

impl Value {
    /// Returns the array, if it is one.
    #[must_use]
    pub const fn as_array(&self) -> Option<&Array> {
        if let Self::Array(array) = self { Some(array) } else { None }
    }

    /// Returns the boolean, if it is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// Returns the number, if it is a 32-bit floating-point one and finite.
    #[must_use]
    pub fn as_f32(&self) -> Option<f32> {
        if let Self::F32(value) = self {
            Some(*value).filter(|value| value.is_finite())
        } else {
            None
        }
    }

    /// Returns the text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// Returns the number, if it is an integer of any type and fits.
    #[must_use]
    pub fn as_u32(&self) -> Option<u32> {
        self.as_u64().and_then(|value| u32::try_from(value).ok())
    }

    /// Returns the number, if it is an integer of any type and not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::I8(value) => u64::try_from(*value).ok(),
            Self::I16(value) => u64::try_from(*value).ok(),
            Self::I32(value) => u64::try_from(*value).ok(),
            Self::I64(value) => u64::try_from(*value).ok(),
            Self::U8(value) => Some(u64::from(*value)),
            Self::U16(value) => Some(u64::from(*value)),
            Self::U32(value) => Some(u64::from(*value)),
            Self::U64(value) => Some(*value),
            _ => None,
        }
    }

    /// Returns what an error says about the value: its type, and what it is if that is short.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Array(array) => format!("an array of {} {}", array.len(), array.elements()),
            Self::Bool(value) => value.to_string(),
            Self::F32(value) => format!("the f32 {value}"),
            Self::F64(value) => format!("the f64 {value}"),
            Self::I8(value) => value.to_string(),
            Self::I16(value) => value.to_string(),
            Self::I32(value) => value.to_string(),
            Self::I64(value) => value.to_string(),
            Self::String(text) => format!("{:?}", text.chars().take(48).collect::<String>()),
            Self::U8(value) => value.to_string(),
            Self::U16(value) => value.to_string(),
            Self::U32(value) => value.to_string(),
            Self::U64(value) => value.to_string(),
        }
    }
}

impl Array {
    /// Returns the numbers, if they are 32-bit floating-point ones; they may be infinite or not a
    /// number.
    #[must_use]
    pub fn as_f32s(&self) -> Option<&[f32]> {
        if let Self::F32(values) = self { Some(values) } else { None }
    }

    /// Returns the texts, if they are texts.
    #[must_use]
    pub fn as_strings(&self) -> Option<&[String]> {
        if let Self::String(values) = self { Some(values) } else { None }
    }

    /// Returns whether there are no elements.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of elements.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Array(values) => values.len(),
            Self::Bool(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::I16(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::I64(values) => values.len(),
            Self::String(values) => values.len(),
            Self::U8(values) => values.len(),
            Self::U16(values) => values.len(),
            Self::U32(values) => values.len(),
            Self::U64(values) => values.len(),
        }
    }

    /// Returns the numbers, if they are integers of any type that fit.
    #[must_use]
    pub fn to_i64s(&self) -> Option<Vec<i64>> {
        Some(match self {
            Self::I8(values) => values.iter().copied().map(i64::from).collect(),
            Self::I16(values) => values.iter().copied().map(i64::from).collect(),
            Self::I32(values) => values.iter().copied().map(i64::from).collect(),
            Self::I64(values) => values.clone(),
            Self::U8(values) => values.iter().copied().map(i64::from).collect(),
            Self::U16(values) => values.iter().copied().map(i64::from).collect(),
            Self::U32(values) => values.iter().copied().map(i64::from).collect(),
            Self::U64(values) => {
                return values.iter().map(|value| i64::try_from(*value).ok()).collect();
            }
            Self::Array(_) | Self::Bool(_) | Self::F32(_) | Self::F64(_) | Self::String(_) => {
                return None;
            }
        })
    }

    /// Returns what the elements are called in an error.
    const fn elements(&self) -> &'static str {
        match self {
            Self::Array(_) => "arrays",
            Self::Bool(_) => "booleans",
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
            Self::I8(_) => "i8",
            Self::I16(_) => "i16",
            Self::I32(_) => "i32",
            Self::I64(_) => "i64",
            Self::String(_) => "texts",
            Self::U8(_) => "u8",
            Self::U16(_) => "u16",
            Self::U32(_) => "u32",
            Self::U64(_) => "u64",
        }
    }
}
