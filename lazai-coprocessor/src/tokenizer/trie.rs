/// The pieces of a vocabulary by their bytes, to find those that a text starts with.
///
/// Nodes are numbered in the order in which a walk by depth meets them, so the node behind edge `e`
/// is node `e + 1`, and one flat table holds everything.
#[derive(Clone, Debug)]
pub(super) struct Trie(Vec<Node>);

/// What is asked of a node lies together, so that a step looks at one place of the memory.
#[derive(Clone, Copy, Debug)]
struct Node {
    /// The byte of the edge that leads here; those from one node ascend.
    label: u8,
    /// The first edge of the node; its last is before the first of the next node.
    first_edge: u32,
    /// The piece that ends here; [`NONE`] where none does.
    piece: u32,
}

/// A way down a tree along a text.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    trie: &'a Trie,
    node: usize,
    text: &'a [u8],
    /// Bytes of the text that were looked for.
    steps: usize,
}

impl Trie {
    /// Returns the tree of `pieces` with their numbers. Of equal pieces the largest number counts,
    /// and an empty piece is never found.
    pub(super) fn new<'a>(pieces: impl IntoIterator<Item = (&'a [u8], u32)>) -> Self {
        let mut sorted: Vec<_> = pieces.into_iter().collect();
        sorted.sort_unstable();
        let mut nodes = vec![Node { label: 0, first_edge: 0, piece: NONE }];
        // The last is none, but says where the edges of the one before it end.
        let mut ends = Vec::new();
        // The pieces below each node of this depth.
        let mut level = vec![sorted.as_slice()];
        for depth in 0.. {
            let mut next = Vec::new();
            for node in level {
                let longer = node.partition_point(|(piece, _)| piece.len() <= depth);
                for below in node[longer..].chunk_by(|left, right| left.0[depth] == right.0[depth])
                {
                    let here = below.iter().take_while(|(piece, _)| piece.len() == depth + 1);
                    let piece = here.last().map_or(NONE, |(_, id)| *id);
                    nodes.push(Node { label: below[0].0[depth], first_edge: 0, piece });
                    next.push(below);
                }
                ends.push(u32::try_from(nodes.len() - 1).unwrap_or(NONE));
            }
            if next.is_empty() {
                break;
            }
            level = next;
        }
        // The edges of a node begin where those of the node before it end.
        nodes.push(Node { label: 0, first_edge: 0, piece: NONE });
        for (node, end) in nodes[1..].iter_mut().zip(ends) {
            node.first_edge = end;
        }
        Self(nodes)
    }

    /// Lists the pieces that `text` starts with, from the shortest: the bytes of each and its
    /// number.
    pub(super) const fn prefixes<'a>(&'a self, text: &'a [u8]) -> Walk<'a> {
        Walk { trie: self, node: 0, text, steps: 0 }
    }

    /// Returns the number of exactly this piece.
    pub(super) fn find(&self, piece: &[u8]) -> Option<u32> {
        let node = piece.iter().try_fold(0, |node, byte| self.child(node, *byte))?;
        Some(self.0[node].piece).filter(|piece| *piece != NONE)
    }

    /// The node behind edge `e` is node `e + 1`.
    fn child(&self, node: usize, byte: u8) -> Option<usize> {
        let first = self.0[node].first_edge as usize + 1;
        let children = &self.0[first..=self.0[node + 1].first_edge as usize];
        let place = children.binary_search_by_key(&byte, |child| child.label).ok()?;
        Some(first + place)
    }
}

impl Walk<'_> {
    /// Returns how often a byte was looked for.
    pub(super) const fn steps(&self) -> usize {
        self.steps
    }
}

impl Iterator for Walk<'_> {
    type Item = (usize, u32);

    fn next(&mut self) -> Option<(usize, u32)> {
        while let Some(byte) = self.text.get(self.steps) {
            self.steps += 1;
            let Some(node) = self.trie.child(self.node, *byte) else {
                self.text = &self.text[..self.steps];
                return None;
            };
            self.node = node;
            let piece = self.trie.0[node].piece;
            if piece != NONE {
                return Some((self.steps, piece));
            }
        }
        None
    }
}

/// No piece.
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::Trie;

    #[test]
    fn prefixes_are_found_from_the_shortest() {
        let pieces = ["ab", "a", "", "abcd", "b", "\u{e9}", "ab"];
        let trie = Trie::new(pieces.into_iter().map(str::as_bytes).zip(0..));
        let found = |text: &'static str| trie.prefixes(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found("abcde"), [(1, 1), (2, 6), (4, 3)]);
        assert_eq!(found("abc"), [(1, 1), (2, 6)]);
        assert_eq!(found("\u{e9}a"), [(2, 5)]);
        assert_eq!(found(""), []);
        assert_eq!(found("c"), []);
        assert_eq!(trie.find(b"abcd"), Some(3));
        assert_eq!(trie.find(b"abc"), None);
        assert_eq!(trie.find(b""), None);
        assert_eq!(Trie::new([]).find(b"a"), None);
    }
}
