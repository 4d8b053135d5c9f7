use super::exchange::Exchange;

/// A story and what can be asked about it.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) request: String,
    pub(super) text: String,
    pub(super) questions: Vec<Exchange>,
}

impl Story {
    /// Adds a sentence.
    pub(super) fn say(&mut self, sentence: &str) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
        self.text.push_str(sentence);
    }

    /// Adds a question that the text so far answers.
    pub(super) fn ask(&mut self, question: impl Into<String>, answer: impl Into<String>) {
        self.questions.push(Exchange::new(question, answer));
    }
}
