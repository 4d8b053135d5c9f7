use std::collections::BTreeMap;

use super::{BOS, Corpus, EOS, Exchange, facts::fact, rng::Rng, story::Story};

#[test]
fn the_same_seed_writes_the_same_bytes() {
    let write = |seed| Corpus::new(seed).take(200).collect::<Vec<_>>();
    assert_eq!(write(7), write(7));
    assert_ne!(write(7), write(8));
}

#[test]
fn documents_are_ascii_and_framed() {
    for document in Corpus::new(1).take(2_000) {
        assert!(document.is_ascii(), "{document}");
        assert!(document.starts_with(BOS), "{document}");
        assert!(document.ends_with(EOS), "{document}");
        assert_eq!(document.matches(BOS).count(), 1, "{document}");
        assert_eq!(
            document.matches("Question: ").count(),
            document.matches("\nAnswer: ").count(),
            "{document}"
        );
        assert!(!document.contains("  "), "{document}");
        for placeholder in ["NAME", "LIGHT"] {
            assert!(!document.contains(placeholder), "{document}");
        }
    }
}

/// The held-out documents must not be those of the training.
#[test]
fn two_seeds_share_almost_no_story() {
    let stories = |seed| {
        let mut stories: Vec<String> =
            Corpus::new(seed).filter(|text| text.len() > 400).take(2_000).collect();
        stories.sort();
        stories
    };
    let (train, held_out) = (stories(1), stories(2));
    let shared = held_out.iter().filter(|story| train.binary_search(story).is_ok()).count();
    assert_eq!(shared, 0);
}

/// A model can only learn by heart what is always answered alike.
#[test]
fn a_question_about_the_world_has_one_answer() {
    let mut answers = BTreeMap::new();
    let mut rng = Rng::new(5);
    for _ in 0..20_000 {
        let Exchange { question, answer } = fact(&mut rng);
        let known = answers.entry(question.clone()).or_insert_with(|| answer.clone());
        assert_eq!(*known, answer, "{question}");
    }
    assert!(answers.len() > 400, "only {} questions", answers.len());
    assert_eq!(answers["What does the fox eat?"], "The fox eats berries.");
}

#[test]
fn a_question_about_a_story_has_one_answer() {
    let mut rng = Rng::new(6);
    for _ in 0..5_000 {
        let Story { text, questions, .. } = Story::tell(&mut rng);
        assert!(questions.len() >= 9, "{text}");
        let mut answers = BTreeMap::new();
        for Exchange { question, answer } in questions {
            let known = answers.entry(question.clone()).or_insert_with(|| answer.clone());
            assert_eq!(*known, answer, "{question} {text}");
        }
    }
}
