//! One formula, compiled once for each instruction set.

/// Declares a kernel whose body is compiled for the baseline, for AVX2 and for AVX-512.
///
/// The body is the specification; the compiler may vectorize it, which changes no integer.
macro_rules! vectorized {
    (
        $(#[$attribute:meta])*
        pub fn $name:ident($($argument:ident: $type:ty),* $(,)?) = $body:ident;
    ) => {
        $(#[$attribute])*
        pub fn $name(backend: $crate::kernel::Backend, $($argument: $type),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn avx2($($argument: $type),*) {
                    $body($($argument),*);
                }

                #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
                fn avx512($($argument: $type),*) {
                    $body($($argument),*);
                }

                if backend.is_available() {
                    match backend {
                        $crate::kernel::Backend::Avx2 => {
                            // SAFETY: `is_available` found AVX2 on this processor.
                            unsafe { avx2($($argument),*) };
                            return;
                        }
                        $crate::kernel::Backend::Avx512 => {
                            // SAFETY: `is_available` found these parts of AVX-512 on this
                            // processor.
                            unsafe { avx512($($argument),*) };
                            return;
                        }
                        _ => {}
                    }
                }
            }
            let _ = backend;
            $body($($argument),*);
        }
    };
}

pub(super) use vectorized;
