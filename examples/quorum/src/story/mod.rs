//! What the example shows: a chain that answers, quorums that vouch for data, a node that is killed, and one that cheats.

mod chapters;
mod contract;
mod error;
mod stage;
mod timeline;

pub use self::{
    chapters::tell_story,
    error::StoryError,
    timeline::{Entry, Summary, Timeline},
};
