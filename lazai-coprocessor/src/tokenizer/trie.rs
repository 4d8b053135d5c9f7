/// The pieces of a vocabulary by their bytes, to find those that a text starts with.
///
/// Nodes are numbered in the order in which a walk by depth meets them, so the node behind edge `e`
/// is node `e + 1`: three flat tables hold everything.
#[derive(Clone, Debug)]
pub(super) struct Trie {
    /// The first edge of each node, and the number of edges at the end.
    first_edge: Vec<u32>,
    /// The byte of each edge; those of a node ascend.
    labels: Vec<u8>,
    /// The piece that ends at each node; [`NONE`] where none does.
    pieces: Vec<u32>,
}

impl Trie {
    /// Returns the tree of `pieces` with their numbers. Of equal pieces the largest number counts,
    /// and an empty piece is never found.
    pub(super) fn new<'a>(pieces: impl IntoIterator<Item = (&'a [u8], u32)>) -> Self {
        let mut sorted: Vec<_> = pieces.into_iter().collect();
        sorted.sort_unstable();
        let mut trie = Self { first_edge: vec![0], labels: Vec::new(), pieces: vec![NONE] };
        // The pieces below each node of this depth.
        let mut level = vec![sorted.as_slice()];
        for depth in 0.. {
            let mut next = Vec::new();
            for node in level {
                let longer = node.partition_point(|(piece, _)| piece.len() <= depth);
                for below in node[longer..].chunk_by(|left, right| left.0[depth] == right.0[depth])
                {
                    let ends = below.iter().take_while(|(piece, _)| piece.len() == depth + 1);
                    trie.labels.push(below[0].0[depth]);
                    trie.pieces.push(ends.last().map_or(NONE, |(_, id)| *id));
                    next.push(below);
                }
                trie.first_edge.push(u32::try_from(trie.labels.len()).unwrap_or(NONE));
            }
            if next.is_empty() {
                break;
            }
            level = next;
        }
        trie
    }

    /// Lists the pieces that `text` starts with, from the shortest: the bytes of each and its
    /// number.
    pub(super) fn prefixes<'a>(
        &'a self,
        text: &'a [u8],
    ) -> impl Iterator<Item = (usize, u32)> + 'a {
        let mut node = 0;
        text.iter()
            .zip(1..)
            .map_while(move |(byte, bytes)| {
                node = self.child(node, *byte)?;
                Some((bytes, self.pieces[node]))
            })
            .filter(|(_, piece)| *piece != NONE)
    }

    /// Returns the number of exactly this piece.
    pub(super) fn find(&self, piece: &[u8]) -> Option<u32> {
        let node = piece.iter().try_fold(0, |node, byte| self.child(node, *byte))?;
        Some(self.pieces[node]).filter(|piece| *piece != NONE)
    }

    fn child(&self, node: usize, byte: u8) -> Option<usize> {
        let (first, end) = (self.first_edge[node] as usize, self.first_edge[node + 1] as usize);
        let place = self.labels[first..end].binary_search(&byte).ok()?;
        Some(first + place + 1)
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
        let found = |text: &str| trie.prefixes(text.as_bytes()).collect::<Vec<_>>();
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
