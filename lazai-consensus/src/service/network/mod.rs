//! Members that talk over an authenticated network. The one module of the service that names commonware.

mod driver;
mod tcp;
#[cfg(test)]
mod tests;

pub use tcp::{
    MemberAddress, NetworkConfig, NetworkError, QuorumHandle, QuorumOrders, QuorumService,
};
