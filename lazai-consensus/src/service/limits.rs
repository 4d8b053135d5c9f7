/// What a member spends on others at most, and how long it waits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How long members have to answer an audit, in milliseconds.
    pub answer_ms: u64,
    /// Questions to each member in an audit.
    pub audit_questions: u16,
    /// Points at which a peer is blocked.
    pub block_at: u32,
    /// Bytes that a peer may send in a window.
    pub bytes_per_window: u64,
    /// Data sets that this member keeps.
    pub max_data_sets: usize,
    /// Bytes of a data set that is restored in memory, to be judged or read.
    pub max_data_bytes: u64,
    /// Bytes of a message.
    pub max_message_bytes: usize,
    /// Data sets that are restored at the same time.
    pub max_fetches: usize,
    /// Slots that are counted or remembered at the same time.
    pub max_slots: usize,
    /// Slots that one peer may open before they are certified.
    pub max_slots_per_peer: usize,
    /// Shards of one data set that this member takes.
    pub max_shards: usize,
    /// Data sets whose shards a peer may be sending at the same time.
    pub max_intakes_per_peer: usize,
    /// Bytes of shards that this member keeps at most.
    pub max_stored_bytes: u64,
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
            max_data_sets: 1 << 16,
            max_data_bytes: 64 << 20,
            max_message_bytes: 9 << 20,
            max_fetches: 4,
            max_slots: 4_096,
            max_slots_per_peer: 256,
            max_shards: 1 << 16,
            max_intakes_per_peer: 8,
            max_stored_bytes: 1 << 40,
            messages_per_window: 4_000,
            patience_ms: 120_000,
            resend_limit: 12,
            resend_ms: 500,
            window_ms: 1_000,
        }
    }
}
