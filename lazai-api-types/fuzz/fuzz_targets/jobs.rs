//! Reads hostile bytes as a job; what can be read is written back to the same bytes.

#![no_main]

use lazai_api_types::Job;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(job) = Job::decode(bytes) {
        assert_eq!(job.encode(), bytes);
        let _ = job.intrinsic_work();
    }
});
