//! The corpus: a seeded grammar of short stories, and questions about them and their world.
//!
//! A document starts with `<s>`. Its turns are separated by a line break, and each turn of the
//! storyteller ends with `</s>`:
//!
//! ```text
//! <s>Question: Tell me a story about a fox.
//! Answer: Once upon a time, there was a shy red fox named Mila. ...</s>
//! Question: What does the fox eat?
//! Answer: The fox eats berries.</s>
//! ```
//!
//! Some documents begin with the story itself, so that the model also continues plain text, and in
//! some of these the questions follow without the mark.

mod cast;
mod exchange;
mod facts;
mod frame;
mod plots;
mod rng;
mod story;
mod world;

use self::{exchange::Exchange, rng::Rng, story::Story};

/// The documents of one seed, without end.
#[derive(Clone, Debug)]
pub(crate) struct Corpus {
    rng: Rng,
}

impl Corpus {
    pub(crate) const fn new(seed: u64) -> Self {
        Self { rng: Rng::new(seed) }
    }
}

impl Iterator for Corpus {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        let rng = &mut self.rng;
        Some(if rng.chance(75) { told(rng) } else { asked(rng) })
    }
}

/// Returns the prompt of a question that nothing precedes.
pub(crate) fn prompt(question: &str) -> String {
    format!("Question: {question}\nAnswer:")
}

/// Writes a story and questions about it.
fn told(rng: &mut Rng) -> String {
    let Story { request, text, mut questions } = Story::tell(rng);
    let mut document = match rng.below(10) {
        0..6 => format!("{BOS}{} {text}{EOS}", prompt(&request)),
        6..8 => format!("{BOS}{text}{EOS}"),
        // A text that is given, not told: its reader may not be able to write the mark.
        _ => format!("{BOS}{text}"),
    };
    rng.shuffle(&mut questions);
    questions.truncate(2 + rng.below(4));
    if rng.chance(30) {
        let place = rng.below(questions.len());
        questions[place] = facts::fact(rng);
    }
    for exchange in questions {
        document.push('\n');
        push(&mut document, &exchange);
    }
    document
}

/// Questions about the world alone.
fn asked(rng: &mut Rng) -> String {
    let mut document = BOS.to_owned();
    for turn in 0..=rng.below(4) {
        if turn > 0 {
            document.push('\n');
        }
        push(&mut document, &facts::fact(rng));
    }
    document
}

fn push(document: &mut String, Exchange { question, answer }: &Exchange) {
    document.push_str(&prompt(question));
    document.push(' ');
    document.push_str(answer);
    document.push_str(EOS);
}

/// Begins a document.
pub(crate) const BOS: &str = "<s>";

/// Ends a turn of the storyteller.
pub(crate) const EOS: &str = "</s>";

#[cfg(test)]
mod tests;
