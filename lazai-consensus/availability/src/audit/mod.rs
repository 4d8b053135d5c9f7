//! Audits: once in an epoch each member is asked for leaves that nobody could foresee, of what it
//! has to hold.

mod answer;
mod plan;
mod report;

pub use answer::{AnswerError, AuditAnswer, AuditFailure, MAX_ANSWER_BYTES};
pub use plan::{AuditPlan, Auditor, Holding, MAX_CHALLENGES};
pub use report::AuditReport;
