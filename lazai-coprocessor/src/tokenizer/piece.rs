/// A token, and the bytes of the text that it stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Piece {
    pub(super) token: u32,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Piece {
    pub(super) const fn range(self) -> (usize, usize) {
        (self.start, self.end)
    }
}
