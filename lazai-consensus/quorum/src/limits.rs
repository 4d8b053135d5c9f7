/// The most that a member spends on others, and how long it waits. What is above a limit is
/// refused; see [`Refusal`](crate::Refusal).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How long members have to answer an audit, in milliseconds.
    pub answer_ms: u64,
    /// Number of questions to each member in an audit.
    pub audit_questions: u16,
    /// Penalty points at which a peer is blocked.
    pub block_at: u32,
    /// Most bytes that a peer may send in a window, and that it may be sent on its request.
    pub bytes_per_window: u64,
    /// Most datasets that this member keeps.
    pub max_datasets: usize,
    /// Most bytes of shards in memory while one dataset is put together, to be judged, read or
    /// repaired.
    pub max_data_bytes: u64,
    /// Most bytes of a message. The shards that restore a stripe must fit into one, to show that
    /// they contradict each other.
    pub max_message_bytes: usize,
    /// Most datasets that are put together at the same time.
    pub max_fetches: usize,
    /// Most slots that are counted or remembered at the same time.
    pub max_slots: usize,
    /// Most slots that one peer may open before they are certified; fewer if all members together
    /// could fill [`max_slots`](Self::max_slots).
    pub max_slots_per_peer: usize,
    /// Most shards of one dataset that this member takes.
    pub max_shards: usize,
    /// Most new datasets of one peer whose shards are on their way at the same time.
    pub max_pending_per_peer: usize,
    /// Most judgements of datasets that one peer may have asked for at the same time, and as many
    /// runs of jobs.
    pub max_judgements_per_peer: usize,
    /// Most bytes of shards that this member keeps. The datasets that one peer has brought and
    /// nobody has certified take at most the share of one member.
    pub max_stored_bytes: u64,
    /// Most datasets that one peer may have brought before they are certified.
    pub max_uncertified_per_peer: usize,
    /// Most messages that a peer may send in a window.
    pub messages_per_window: u64,
    /// How long a slot without a vote of this member's own is counted, in milliseconds.
    pub patience_ms: u64,
    /// Most times that a vote is sent.
    pub resend_limit: u32,
    /// How long until a vote is sent again, in milliseconds; doubles each time.
    pub resend_ms: u64,
    /// The length of a window, in milliseconds.
    pub window_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            answer_ms: 10_000,
            audit_questions: 20,
            block_at: 100,
            bytes_per_window: 256 << 20,
            max_datasets: 1 << 16,
            max_data_bytes: 64 << 20,
            max_message_bytes: 17 << 20,
            max_fetches: 4,
            max_slots: 4_096,
            max_slots_per_peer: 256,
            max_shards: 1 << 16,
            max_pending_per_peer: 8,
            max_judgements_per_peer: 2,
            max_stored_bytes: 1 << 40,
            max_uncertified_per_peer: 64,
            messages_per_window: 4_000,
            patience_ms: 120_000,
            resend_limit: 12,
            resend_ms: 500,
            window_ms: 1_000,
        }
    }
}
