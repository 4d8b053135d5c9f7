//! Audits: once in each epoch every member is challenged to open unpredictable leaves of the data
//! that it must store.

mod answer;
mod plan;
mod report;

pub use answer::{AnswerError, AuditAnswer, AuditFailure, MAX_ANSWER_BYTES};
pub use plan::{AuditPlan, Auditor, Holding, MAX_CHALLENGES};
pub use report::AuditReport;
