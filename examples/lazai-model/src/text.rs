//! Texts of any length as tokens.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use lazai_api_types::{Rejection, openai::ChatMessage};
use lazai_chat::{ChatError, ChatTemplate};
use lazai_coprocessor::Tokenizer;

use crate::error::Error;

/// A text and where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Text {
    pub(crate) name: String,
    pub(crate) content: String,
}

impl Text {
    /// Takes the text that was given, or reads its file.
    pub(crate) fn given(text: Option<&str>, file: Option<&Path>) -> Result<Self, Error> {
        if let Some(path) = file {
            return Self::read(path);
        }
        let content = text.unwrap_or_default();
        // Whoever forgets what the option means should hear it.
        if !content.is_empty() && content.len() < MAX_PATH_BYTES && Path::new(content).is_file() {
            eprintln!("(--text is read as a text; --text-file {content} reads the file)");
        }
        Ok(Self { name: "--text".to_owned(), content: content.to_owned() })
    }

    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let content = read_bounded(path, MAX_TEXT_BYTES)?;
        let content = String::from_utf8(content).map_err(|error| Error::TextEncoding {
            path: path.to_owned(),
            offset: error.utf8_error().valid_up_to(),
        })?;
        Ok(Self { name: path.display().to_string(), content })
    }

    /// Returns the tokens of the whole, with what the tokenizer's template adds once around it.
    ///
    /// What spells a special token is read as letters.
    pub(crate) fn tokens(&self, tokenizer: &Tokenizer) -> Result<Vec<u32>, Error> {
        let template = self.encode(tokenizer, 0, "")?;
        if self.content.is_empty() {
            return Ok(template);
        }
        let (mut tokens, mut end) = (Vec::new(), Vec::new());
        for (offset, piece) in pieces(&self.content, PIECE_BYTES) {
            let mut piece = self.encode(tokenizer, offset, piece)?;
            let start = piece.iter().zip(&template).take_while(|(a, b)| a == b).count();
            if piece[start..].ends_with(&template[start..]) {
                end = piece.split_off(piece.len() - (template.len() - start));
            }
            tokens.extend_from_slice(&piece[if offset == 0 { 0 } else { start }..]);
        }
        tokens.append(&mut end);
        Ok(tokens)
    }

    /// Sequences of at most `length` tokens from all over the text, about `budget` tokens in all.
    ///
    /// Each starts at a line, as far as lines are short enough, and as the tokenizer's template
    /// starts a text.
    pub(crate) fn sequences(
        &self,
        tokenizer: &Tokenizer,
        length: usize,
        budget: usize,
    ) -> Result<Vec<Vec<u32>>, Error> {
        let all: Vec<(usize, &str)> = pieces(&self.content, SEQUENCE_BYTES)
            .filter(|(_, piece)| !piece.trim().is_empty())
            .collect();
        let wanted = budget.div_ceil(length).min(all.len());
        let (mut sequences, mut taken) = (Vec::new(), 0);
        for index in 0..wanted {
            let (offset, piece) = all[index * all.len() / wanted];
            let mut tokens = self.encode(tokenizer, offset, piece)?;
            // What one piece leaves, the next may take.
            tokens.truncate(budget * (index + 1) / wanted - taken);
            taken += tokens.len();
            sequences.extend(tokens.chunks(length).map(<[u32]>::to_vec));
        }
        Ok(sequences)
    }

    /// The lines of the text, each as a text of at most `length` tokens, about `budget` tokens in
    /// all, from all over the text.
    pub(crate) fn lines(
        &self,
        tokenizer: &Tokenizer,
        length: usize,
        budget: usize,
    ) -> Result<Vec<Vec<u32>>, Error> {
        let all: Vec<(usize, &str)> = pieces(&self.content, SEQUENCE_BYTES).collect();
        let wanted = budget.div_ceil(LINE_TOKENS).min(all.len());
        let mut lines = Vec::new();
        for index in 0..wanted {
            let (mut offset, piece) = all[index * all.len() / wanted];
            for line in piece.split_inclusive('\n') {
                if !line.trim().is_empty() {
                    let mut tokens = self.encode(tokenizer, offset, line.trim_end_matches('\n'))?;
                    tokens.truncate(length);
                    lines.push(tokens);
                }
                offset += line.len();
            }
        }
        let total: usize = lines.iter().map(Vec::len).sum();
        let mut taken = 0;
        // Every line takes its share, so that those that stay are from all over the text.
        Ok(lines
            .into_iter()
            .scan(0, |read, line| {
                *read += line.len();
                let stays = taken * total < *read * budget.min(total);
                taken += if stays { line.len() } else { 0 };
                Some(stays.then_some(line))
            })
            .flatten()
            .collect())
    }

    fn encode(&self, tokenizer: &Tokenizer, start: usize, piece: &str) -> Result<Vec<u32>, Error> {
        let encoded = match tokenizer.encode(piece) {
            Err(Rejection::SpecialToken { token, offset }) => {
                letters(tokenizer, piece, Rejection::SpecialToken { token, offset })
            }
            encoded => encoded,
        };
        encoded.map_err(|rejection| {
            let source = match rejection {
                Rejection::SpecialToken { token, offset } => {
                    Rejection::SpecialToken { token, offset: start as u64 + offset }
                }
                other => other,
            };
            Error::Text { what: self.name.clone(), source }
        })
    }
}

/// Returns the tokens of a text that spells special tokens, as letters: what a chat makes of the
/// content of a message, with the tokenizer's own tokens around it.
fn letters(tokenizer: &Tokenizer, text: &str, rejection: Rejection) -> Result<Vec<u32>, Rejection> {
    let content = ChatTemplate::new("{{ messages[0].content }}", None, None)
        .and_then(|template| template.encode(&[ChatMessage::user(text)], false, tokenizer))
        .map_err(|error| match error {
            ChatError::Rejected(rejection) => rejection,
            _ => rejection,
        })?;
    let around = tokenizer.encode("")?;
    // Where the text stands among them shows a text of one letter.
    let probe = PROBES.iter().find_map(|probe| tokenizer.encode(probe).ok()).unwrap_or_default();
    let before = around.iter().zip(&probe).take_while(|(a, b)| a == b).count();
    let (before, after) = around.split_at(before);
    Ok([before, &content, after].concat())
}

/// Reads a file of at most `max` bytes.
pub(crate) fn read_bounded(path: &Path, max: u64) -> Result<Vec<u8>, Error> {
    let file = File::open(path).map_err(Error::reading(path))?;
    let mut bytes = Vec::new();
    file.take(max + 1).read_to_end(&mut bytes).map_err(Error::reading(path))?;
    if bytes.len() as u64 > max {
        return Err(Error::FileSize { path: PathBuf::from(path), max });
    }
    Ok(bytes)
}

/// Cuts a text into pieces of at most `max` bytes, with where each starts: behind a line if there
/// is one, else behind a space, else between characters.
fn pieces(text: &str, max: usize) -> impl Iterator<Item = (usize, &str)> {
    let mut start = 0;
    core::iter::from_fn(move || {
        let rest = &text[start..];
        if rest.is_empty() {
            return None;
        }
        let head = &rest[..rest.floor_char_boundary(max)];
        let cut = if head.len() == rest.len() {
            rest.len()
        } else {
            let behind = |end: char| head.rfind(end).map(|index| index + end.len_utf8());
            behind('\n').or_else(|| behind(' ')).unwrap_or(head.len())
        };
        let piece = (start, &rest[..cut]);
        start += cut;
        Some(piece)
    })
}

/// Texts of which every tokenizer knows one.
const PROBES: [&str; 4] = ["a", "0", ".", "\u{4e00}"];

/// Longest path that a text is taken for.
const MAX_PATH_BYTES: usize = 1_024;

/// Longest text, in bytes.
const MAX_TEXT_BYTES: u64 = 1 << 28;

/// Bytes of a text that are tokenized at once.
const PIECE_BYTES: usize = 1 << 16;

/// Bytes of a calibration text that are cut into sequences: in most languages a sequence or two.
const SEQUENCE_BYTES: usize = 1 << 10;

/// Tokens of a short line.
const LINE_TOKENS: usize = 16;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns a tokenizer with `<s>`, `</s>` around every text, and the letters a to f, space and
    /// line end.
    fn tokenizer() -> Tokenizer {
        Tokenizer::new(tokenizer_json().to_string().as_bytes(), 16).unwrap()
    }

    fn tokenizer_json() -> serde_json::Value {
        let special = |id: u32, content: &str| {
            json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true})
        };
        let letters =
            "abcdef \n".chars().zip(2..).map(|(letter, id)| (letter.to_string(), json!(id)));
        let mut vocabulary: serde_json::Map<_, _> = letters.collect();
        vocabulary.insert("<s>".to_owned(), json!(0));
        vocabulary.insert("</s>".to_owned(), json!(1));
        let mark = |id: &str| json!({"SpecialToken": {"id": id, "type_id": 0}});
        let text = json!({"Sequence": {"id": "A", "type_id": 0}});
        json!({
            "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "pre_tokenizer": null,
            "decoder": null, "added_tokens": [special(0, "<s>"), special(1, "</s>")],
            "post_processor": {"type": "TemplateProcessing", "single": [mark("<s>"), text, mark("</s>")],
                "pair": [text, {"Sequence": {"id": "B", "type_id": 1}}],
                "special_tokens": {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]},
                    "</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
            "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false,
                "vocab": vocabulary, "merges": []}
        })
    }

    fn text(content: String) -> Text {
        Text { name: "text".to_owned(), content }
    }

    #[test]
    fn pieces_are_the_text() {
        let text = format!("ab cd\n{}é{}\n\nf", "x".repeat(30), "y ".repeat(20));
        for max in [2, 7, 31, 1_000] {
            let mut end = 0;
            for (start, piece) in pieces(&text, max) {
                assert_eq!(start, end);
                assert!((1..=max).contains(&piece.len()), "{piece:?}");
                end += piece.len();
            }
            assert_eq!(end, text.len());
        }
        assert_eq!(pieces("", 4).count(), 0);
        let cut: Vec<&str> = pieces("ab\ncd ef", 7).map(|(_, piece)| piece).collect();
        assert_eq!(cut, ["ab\n", "cd ef"]);
    }

    #[test]
    fn the_template_stands_once_around_a_long_text() {
        let content = "abc def\n".repeat(2 * PIECE_BYTES / 8 + 3);
        let bytes = content.len();
        let tokens = text(content).tokens(&tokenizer()).unwrap();
        assert_eq!(tokens.len(), bytes + 2);
        assert_eq!((tokens[0], tokens[1], tokens[bytes + 1]), (0, 2, 1));
        assert!(tokens[1..=bytes].iter().all(|token| *token > 1));
        assert_eq!(text(String::new()).tokens(&tokenizer()).unwrap(), [0, 1]);
    }

    #[test]
    fn sequences_come_from_all_over_the_text() {
        let content: String =
            "abcdef".chars().map(|c| format!("{}\n", c.to_string().repeat(1_000))).collect();
        let sequences = text(content).sequences(&tokenizer(), 100, 300).unwrap();
        let total: usize = sequences.iter().map(Vec::len).sum();
        assert_eq!((total, sequences.len()), (300, 3));
        // Lines of a, of c and of e.
        assert!(sequences.iter().zip([2, 4, 6]).all(|(sequence, token)| sequence[1] == token));
        let sequences = text("ab\n".to_owned()).sequences(&tokenizer(), 100, 300).unwrap();
        assert_eq!(sequences, [[0, 2, 3, 9, 1]]);
        assert!(text(" \n".to_owned()).sequences(&tokenizer(), 4, 4).unwrap().is_empty());
    }

    #[test]
    fn lines_are_texts_of_their_own() {
        let content = "abc def\n\n  \nfed\nabcabcabcabc\n".to_owned();
        let lines = |budget| text(content.clone()).lines(&tokenizer(), 8, budget).unwrap();
        let all = [vec![0, 2, 3, 4, 8, 5, 6, 7], vec![0, 7, 6, 5, 1], vec![0, 2, 3, 4, 2, 3, 4, 2]];
        assert_eq!(lines(1_000), all);
        // A small budget takes lines from all over the text.
        let content = "abcd\n".repeat(100);
        let taken = text(content).lines(&tokenizer(), 8, 60).unwrap();
        assert_eq!(taken.len(), 10);
        assert!(text("\n \n".to_owned()).lines(&tokenizer(), 8, 8).unwrap().is_empty());
    }

    /// Returns the tokenizer with letters that can spell `</s>`.
    fn spelling() -> Tokenizer {
        let mut json: serde_json::Value = tokenizer_json();
        for (letter, id) in ["<", "/", "s", ">"].iter().zip(10..) {
            json["model"]["vocab"][letter] = json!(id);
        }
        Tokenizer::new(json.to_string().as_bytes(), 16).unwrap()
    }

    #[test]
    fn special_tokens_are_read_as_letters() {
        let tokens = text("a</s>b".to_owned()).tokens(&spelling()).unwrap();
        assert_eq!(tokens, [0, 2, 10, 11, 12, 13, 3, 1]);
        let content = format!("{}</s>", "abcd\n".repeat(PIECE_BYTES / 5 + 10));
        let bytes = content.len();
        let tokens = text(content).tokens(&spelling()).unwrap();
        assert_eq!(tokens.len(), bytes + 2);
        assert_eq!(tokens[bytes - 3..], [10, 11, 12, 13, 1]);
    }
}
