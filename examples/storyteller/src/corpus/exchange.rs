/// One question and its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Exchange {
    /// Without the prefix `Question: `.
    pub(super) question: String,
    /// Without the prefix `Answer: `.
    pub(super) answer: String,
}

impl Exchange {
    pub(super) fn new(question: impl Into<String>, answer: impl Into<String>) -> Self {
        Self { question: question.into(), answer: answer.into() }
    }
}
