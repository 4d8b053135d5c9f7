/// What a member spends on others at most, and how long it waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How long members have to answer an audit, in milliseconds.
    pub answer_ms: u64,
    /// Questions to each member in an audit.
    pub audit_questions: u16,
    /// Points at which a peer is blocked.
    pub block_at: u32,
    /// Bytes that a peer may send in a window, and that it may be sent on its request.
    pub bytes_per_window: u64,
    /// Data sets that this member keeps.
    pub max_datasets: usize,
    /// Bytes of the shards from which data is restored in memory, to be judged or read, or in parts to be repaired.
    pub max_data_bytes: u64,
    /// Bytes of a message. The shards that restore a stripe must fit into one, to show that they contradict each other.
    pub max_message_bytes: usize,
    /// Data sets that are restored at the same time.
    pub max_fetches: usize,
    /// Slots that are counted or remembered at the same time.
    pub max_slots: usize,
    /// Slots that one peer may open before they are certified; less if all members could fill [`max_slots`](Self::max_slots).
    pub max_slots_per_peer: usize,
    /// Shards of one data set that this member takes.
    pub max_shards: usize,
    /// Data sets whose shards a peer may be sending at the same time.
    pub max_intakes_per_peer: usize,
    /// Judgements of data sets, and runs of jobs, that one peer may have asked for at the same time; as many of each.
    pub max_judgements_per_peer: usize,
    /// Bytes of shards that this member keeps at most. What one peer has brought and nobody has certified takes at most
    /// the share of one member.
    pub max_stored_bytes: u64,
    /// Data sets that one peer may have brought before they are certified.
    pub max_unsettled_per_peer: usize,
    /// Messages that a peer may send in a window.
    pub messages_per_window: u64,
    /// How long a slot without a vote of this member's own is counted, in milliseconds.
    pub patience_ms: u64,
    /// How often a vote is sent at most.
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
            max_intakes_per_peer: 8,
            max_judgements_per_peer: 2,
            max_stored_bytes: 1 << 40,
            max_unsettled_per_peer: 64,
            messages_per_window: 4_000,
            patience_ms: 120_000,
            resend_limit: 12,
            resend_ms: 500,
            window_ms: 1_000,
        }
    }
}
