use core::fmt;

/// A field of the encoding of a verifying key, or of the file of a proving key.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyField {
    /// The columns of linear combinations.
    CombinationColumns,
    /// A commitment, which is no point.
    Commitment,
    /// The length of the list of commitments.
    CommitmentList,
    /// The columns of constants.
    ConstantColumns,
    /// The bits of an element of an embedding.
    EmbeddingBits,
    /// The file of a proving key, which no chain sees.
    File,
    /// The form of the encoding as a whole: another encoding of the same key is the canonical one.
    Form,
    /// The bits behind the binary point of the result.
    FractionBits,
    /// The kind of the input.
    Input,
    /// Count and bits of the integers that a run reads.
    IntegersRead,
    /// Count and bits of the integers that a run writes.
    IntegersWritten,
    /// The bits of a logit.
    LogitBits,
    /// The columns of lookups.
    LookupColumns,
    /// The id of the model.
    Model,
    /// The columns of multiplications.
    MultiplicationColumns,
    /// The kind of the result.
    Output,
    /// The reference string, if it is cut.
    ReferenceString,
    /// The binary logarithm of the rows.
    Rows,
    /// The rows and columns, if they are cut.
    Shape,
    /// The columns of tables.
    TableColumns,
    /// The bits of a token that is read or chosen.
    TokenBits,
    /// A network that chooses tokens must read them.
    TokenReaders,
    /// The tokens that are read by a network that chooses some.
    TokensRead,
    /// The version of the encoding.
    Version,
    /// The work of a run.
    Work,
}

impl KeyField {
    /// Returns the number of the field, from 1 to 255; it never changes.
    #[must_use]
    pub const fn code(self) -> u32 {
        match self {
            Self::Version => 1,
            Self::Model => 2,
            Self::Input => 3,
            Self::Output => 4,
            Self::IntegersRead => 5,
            Self::IntegersWritten => 6,
            Self::FractionBits => 7,
            Self::Work => 8,
            Self::Shape => 9,
            Self::Rows => 10,
            Self::MultiplicationColumns => 11,
            Self::LookupColumns => 12,
            Self::TableColumns => 13,
            Self::CombinationColumns => 14,
            Self::ConstantColumns => 15,
            Self::ReferenceString => 16,
            Self::CommitmentList => 17,
            Self::Commitment => 18,
            Self::Form => 19,
            Self::TokenBits => 20,
            Self::EmbeddingBits => 21,
            Self::LogitBits => 22,
            Self::TokenReaders => 23,
            Self::TokensRead => 24,
            Self::File => 25,
        }
    }
}

impl fmt::Display for KeyField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "the version",
            Self::Model => "the model",
            Self::Input => "the input",
            Self::Output => "the output",
            Self::IntegersRead => "the integers read",
            Self::IntegersWritten => "the integers written",
            Self::FractionBits => "the fraction bits",
            Self::Work => "the work",
            Self::Shape => "the shape",
            Self::Rows => "the logarithm of the rows",
            Self::MultiplicationColumns => "the columns of multiplications",
            Self::LookupColumns => "the columns of lookups",
            Self::TableColumns => "the columns of tables",
            Self::CombinationColumns => "the columns of linear combinations",
            Self::ConstantColumns => "the columns of constants",
            Self::ReferenceString => "the reference string",
            Self::CommitmentList => "the list of commitments",
            Self::Commitment => "a commitment",
            Self::Form => "the form",
            Self::TokenBits => "the bits of a token",
            Self::EmbeddingBits => "the bits of an embedding",
            Self::LogitBits => "the bits of a logit",
            Self::TokenReaders => "the readers of tokens",
            Self::TokensRead => "the tokens read",
            Self::File => "the file of the proving key",
        })
    }
}
