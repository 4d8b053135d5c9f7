//! Tokens in rows of one length.

/// Documents, packed into rows of `length + 1` tokens: inputs, and the targets one place on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dataset {
    tokens: Vec<u32>,
    length: usize,
}

impl Dataset {
    /// Packs documents into rows.
    ///
    /// Each row starts at the start of a document, so that no token is learnt without the text it
    /// depends on; the end of a document that does not fit is dropped, and so is a last row that
    /// is not full.
    pub fn pack<D: AsRef<[u32]>>(documents: impl IntoIterator<Item = D>, length: usize) -> Self {
        let width = length + 1;
        let mut tokens = Vec::new();
        let mut row = Vec::with_capacity(width);
        for document in documents {
            let document = document.as_ref();
            let room = (width - row.len()).min(document.len());
            row.extend_from_slice(&document[..room]);
            if row.len() == width {
                tokens.append(&mut row);
            }
        }
        Self { tokens, length }
    }

    /// Returns the number of rows.
    pub const fn len(&self) -> usize {
        self.tokens.len() / (self.length + 1)
    }

    /// Returns whether there is no row.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of tokens of one row's input.
    pub const fn length(&self) -> usize {
        self.length
    }

    /// Returns the highest token.
    #[cfg(feature = "burn")]
    pub(crate) fn max_token(&self) -> Option<u32> {
        self.tokens.iter().copied().max()
    }

    /// Inputs and targets of `count` rows from `first` on, around the end to the start.
    ///
    /// The data must not be empty.
    #[cfg(feature = "burn")]
    pub(crate) fn rows(&self, first: usize, count: usize) -> (Vec<i32>, Vec<i32>) {
        let width = self.length + 1;
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for row in first..first + count {
            let start = row % self.len() * width;
            let row = self.tokens[start..start + width].iter().map(|&token| token as i32);
            inputs.extend(row.clone().take(self.length));
            targets.extend(row.skip(1));
        }
        (inputs, targets)
    }
}
