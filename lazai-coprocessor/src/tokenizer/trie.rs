/// The pieces of a vocabulary by their bytes, to find those that a text starts with.
///
/// A radix tree: bytes behind which all pieces go on alike are one edge. So a walk looks at a new
/// place of the memory only where pieces part, or one ends.
#[derive(Clone, Debug)]
pub(super) struct Trie {
    /// In the order in which a walk by depth meets them, so those below a node lie together.
    nodes: Vec<Node>,
    /// The bytes of all edges behind their first.
    tails: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    /// The first byte of the edge that leads here; those from one node ascend.
    label: u8,
    /// Where its other bytes are.
    tail: u32,
    /// The first node below; the last is before the first below the next node.
    first_child: u32,
    /// The piece that ends here; [`NONE`] where none does.
    piece: u32,
}

/// A way down a tree along a text.
#[derive(Clone, Debug)]
pub(super) struct Walk<'a> {
    trie: &'a Trie,
    node: usize,
    text: &'a [u8],
    /// Bytes of the text that were found.
    bytes: usize,
    /// Nodes that were looked for.
    steps: usize,
}

impl Trie {
    /// Returns the tree of `pieces` with their numbers. Of equal pieces the largest number counts,
    /// and an empty piece is never found.
    pub(super) fn new<'a>(pieces: impl IntoIterator<Item = (&'a [u8], u32)>) -> Self {
        let mut sorted: Vec<_> = pieces.into_iter().collect();
        sorted.sort_unstable();
        let mut trie = Self { nodes: Vec::new(), tails: Vec::new() };
        trie.push(0, &[], NONE);
        // The pieces at and below each node of a level, and the bytes that they share.
        let mut level = vec![(sorted.as_slice(), 0)];
        let mut node = 0;
        while !level.is_empty() {
            let mut next = Vec::new();
            for (pieces, depth) in level {
                trie.nodes[node].first_child = length(trie.nodes.len());
                node += 1;
                let longer = pieces.partition_point(|(piece, _)| piece.len() <= depth);
                for below in
                    pieces[longer..].chunk_by(|left, right| left.0[depth] == right.0[depth])
                {
                    let (first, last) = (below[0].0, below[below.len() - 1].0);
                    let shared = first.iter().zip(last).take_while(|(left, right)| left == right);
                    let end = shared.count();
                    let here = below.iter().take_while(|(piece, _)| piece.len() == end);
                    let piece = here.last().map_or(NONE, |(_, id)| *id);
                    trie.push(first[depth], &first[depth + 1..end], piece);
                    next.push((below, end));
                }
            }
            level = next;
        }
        // It is none, and ends the children and the tail of the one before it.
        let end = length(trie.nodes.len());
        trie.push(0, &[], NONE);
        trie.nodes[end as usize].first_child = end;
        trie
    }

    fn push(&mut self, label: u8, tail: &[u8], piece: u32) {
        let node = Node { label, tail: length(self.tails.len()), first_child: 0, piece };
        self.nodes.push(node);
        self.tails.extend_from_slice(tail);
    }

    /// Lists the pieces that `text` starts with, from the shortest: the bytes of each and its
    /// number.
    pub(super) const fn prefixes<'a>(&'a self, text: &'a [u8]) -> Walk<'a> {
        Walk { trie: self, node: 0, text, bytes: 0, steps: 0 }
    }

    /// Returns the number of exactly this piece.
    pub(super) fn find(&self, piece: &[u8]) -> Option<u32> {
        let (bytes, id) = self.prefixes(piece).last()?;
        (bytes == piece.len()).then_some(id)
    }

    /// The node below another one behind the edge that `text` starts with, and the bytes of it.
    fn child(&self, node: usize, text: &[u8]) -> Option<(usize, usize)> {
        let (label, rest) = text.split_first()?;
        let first = self.nodes[node].first_child as usize;
        let children = &self.nodes[first..self.nodes[node + 1].first_child as usize];
        let child = first + children.binary_search_by_key(label, |child| child.label).ok()?;
        let end = self.nodes[child + 1].tail as usize;
        let tail = &self.tails[self.nodes[child].tail as usize..end];
        rest.starts_with(tail).then_some((child, 1 + tail.len()))
    }
}

impl Walk<'_> {
    /// Returns how many nodes were looked for.
    pub(super) const fn steps(&self) -> usize {
        self.steps
    }
}

impl Iterator for Walk<'_> {
    type Item = (usize, u32);

    fn next(&mut self) -> Option<(usize, u32)> {
        while self.bytes < self.text.len() {
            self.steps += 1;
            let Some((node, bytes)) = self.trie.child(self.node, &self.text[self.bytes..]) else {
                self.text = &self.text[..self.bytes];
                return None;
            };
            self.node = node;
            self.bytes += bytes;
            let piece = self.trie.nodes[node].piece;
            if piece != NONE {
                return Some((self.bytes, piece));
            }
        }
        None
    }
}

/// A vocabulary has fewer bytes than 2^32.
fn length(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// No piece.
const NONE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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

    #[test]
    fn a_walk_looks_at_a_node_where_pieces_part_or_end() {
        let pieces = ["abcdefgh!", "abcdefgh", "abx", "b"];
        let trie = Trie::new(pieces.into_iter().map(str::as_bytes).zip(0..));
        for (text, steps, found) in [
            ("abcdefghi", 3, vec![(8, 1)]),
            ("abcdefgh!", 3, vec![(8, 1), (9, 0)]),
            ("abcdefg", 2, vec![]),
            ("abx", 2, vec![(3, 2)]),
            ("ay", 1, vec![]),
        ] {
            let mut walk = trie.prefixes(text.as_bytes());
            assert_eq!(walk.by_ref().collect::<Vec<_>>(), found, "{text}");
            assert_eq!(walk.steps(), steps, "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_are_found_as_in_a_list(
            pieces in prop::collection::vec("[ab]{0,6}", 0..30),
            text in "[abc]{0,10}",
        ) {
            let trie = Trie::new(pieces.iter().map(|piece| piece.as_bytes()).zip(0..));
            let id = |bytes: usize| (0..).zip(&pieces).filter(|(_, p)| **p == text[..bytes]).last();
            let expected: Vec<(usize, u32)> =
                (1..=text.len()).filter_map(|bytes| Some((bytes, id(bytes)?.0))).collect();
            prop_assert_eq!(trie.prefixes(text.as_bytes()).collect::<Vec<_>>(), expected);
        }
    }
}
