//! Which instructions the kernels use.

use core::fmt::{self, Display, Formatter};

/// Which instructions the kernels use; every choice gives the same bytes.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Backend {
    /// 256-bit vectors of x86-64 with AVX2.
    Avx2,
    /// 512-bit vectors of x86-64 with AVX-512 F, BW and VNNI.
    Avx512,
    /// Plain Rust in blocks, shaped so that the compiler vectorizes it for any target.
    Portable,
    /// Plain Rust, one sum at a time: the specification of every kernel.
    Scalar,
}

impl Backend {
    /// Every back end, fastest first.
    pub const ALL: [Self; 4] = [Self::Avx512, Self::Avx2, Self::Portable, Self::Scalar];

    /// Returns the fastest back end that this processor runs.
    #[must_use]
    pub fn detect() -> Self {
        Self::ALL.into_iter().find(|backend| backend.is_available()).unwrap_or(Self::Portable)
    }

    /// Returns the back ends that this processor runs, fastest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        Self::ALL.into_iter().filter(|backend| backend.is_available()).collect()
    }

    /// Returns whether this processor runs this back end.
    #[must_use]
    pub fn is_available(self) -> bool {
        match self {
            Self::Avx2 => has_avx2(),
            Self::Avx512 => has_avx512(),
            Self::Portable | Self::Scalar => true,
        }
    }

    /// Returns the name in options and reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Portable => "portable",
            Self::Scalar => "scalar",
        }
    }
}

impl Display for Backend {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512bw")
        && std::arch::is_x86_feature_detected!("avx512vnni")
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_avx2() -> bool {
    false
}

#[cfg(not(target_arch = "x86_64"))]
const fn has_avx512() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detection_is_available() {
        let available = Backend::available();
        assert_eq!(available.first(), Some(&Backend::detect()));
        assert!(available.ends_with(&[Backend::Portable, Backend::Scalar]));
    }
}
