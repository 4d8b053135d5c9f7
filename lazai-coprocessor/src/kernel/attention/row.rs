/// The queries of one token that share a head of keys and values.
#[derive(Debug)]
pub struct AttentionRow<'a> {
    /// The queries, one after the other.
    pub queries: &'a [i16],
    /// The results, of the same length.
    pub output: &'a mut [i16],
    /// Positions that are attended to: the first so many of the cache.
    pub positions: usize,
}
