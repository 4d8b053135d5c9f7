use std::{io, net::TcpListener};

/// Finds `count` ports of the loopback address that nobody uses now.
///
/// # Errors
/// What the operating system said, if it has none.
pub fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    // All of them at once, or one could be found twice.
    let listeners: Vec<_> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<io::Result<_>>()?;
    listeners.iter().map(|listener| listener.local_addr().map(|address| address.port())).collect()
}
