/// Writes words as a list: `a, b or c`.
pub(super) fn list<'a>(words: impl Iterator<Item = &'a &'static str>) -> String {
    let words: Vec<&str> = words.copied().collect();
    match words.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        words => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn the_last_word_is_an_alternative() {
        assert_eq!(list(["a", "b", "c"].iter()), "a, b or c");
        assert_eq!(list(["a"].iter()), "a");
    }
}
