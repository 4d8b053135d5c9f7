use core::{net::SocketAddr, time::Duration};
use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, sync_channel},
    },
    thread,
};

use alloy_primitives::{Address, B256, Signature, keccak256};

use crate::wallet::Wallet;

/// What connects the members of quorums: a TCP connection from each to each, on which the one that dials shows by a
/// signature who it is.
///
/// It neither encrypts nor promises to deliver: what members say checks itself, and they say it again.
#[derive(Debug)]
pub struct Mesh {
    peers: BTreeMap<Address, SyncSender<Arc<[u8]>>>,
}

impl Mesh {
    /// Listens at `listen`, dials `peers` for ever, and hands each message to `heard` with the peer that sent it.
    ///
    /// # Errors
    /// What the operating system said, if it does not let this node listen.
    pub fn start(
        wallet: &Wallet,
        listen: SocketAddr,
        peers: &BTreeMap<Address, SocketAddr>,
        max_message_bytes: usize,
        heard: Sender<(Address, Vec<u8>)>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen)?;
        let own = wallet.address();
        let known: Arc<[Address]> = peers.keys().copied().filter(|peer| *peer != own).collect();
        thread::spawn(move || accept(&listener, own, &known, max_message_bytes, &heard));
        let mut senders = BTreeMap::new();
        for (peer, address) in peers.iter().filter(|(peer, _)| **peer != own) {
            let (sender, receiver) = sync_channel(QUEUE);
            let (wallet, peer_address, address) = (wallet.clone(), *peer, *address);
            thread::spawn(move || dial(&wallet, peer_address, address, &receiver));
            senders.insert(*peer, sender);
        }
        Ok(Self { peers: senders })
    }

    /// Sends a message to a peer, or drops it if too many wait already.
    pub fn send(&self, to: Address, message: &Arc<[u8]>) {
        if let Some(peer) = self.peers.get(&to) {
            let _ = peer.try_send(Arc::clone(message));
        }
    }
}

/// Keeps a connection to a peer, and sends what comes.
fn dial(wallet: &Wallet, peer: Address, address: SocketAddr, messages: &Receiver<Arc<[u8]>>) {
    let mut pause = FIRST_PAUSE;
    loop {
        match greet(wallet, peer, address) {
            Ok(mut stream) => {
                pause = FIRST_PAUSE;
                loop {
                    let Ok(message) = messages.recv() else { return };
                    if write_frame(&mut stream, &message).is_err() {
                        break;
                    }
                }
            }
            Err(_) => pause = (pause * 2).min(LAST_PAUSE),
        }
        // Waits, and drops what would be old when the peer is there again.
        match messages.recv_timeout(pause) {
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Connects, and signs what the peer has drawn.
fn greet(wallet: &Wallet, peer: Address, address: SocketAddr) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect_timeout(&address, HANDSHAKE)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(HANDSHAKE))?;
    stream.set_write_timeout(Some(SEND))?;
    let mut drawn = [0; 32];
    stream.read_exact(&mut drawn)?;
    let signature = wallet.sign_hash(greeting(wallet.address(), peer, &drawn));
    let signature = signature.map_err(|_| io::ErrorKind::InvalidData)?;
    stream.write_all(wallet.address().as_slice())?;
    stream.write_all(&signature.as_bytes())?;
    Ok(stream)
}

fn accept(
    listener: &TcpListener,
    own: Address,
    known: &Arc<[Address]>,
    max: usize,
    heard: &Sender<(Address, Vec<u8>)>,
) {
    for stream in listener.incoming() {
        let Ok(stream) = stream else { continue };
        let (known, heard) = (Arc::clone(known), heard.clone());
        // It ends with the connection.
        thread::spawn(move || {
            let _ = hear(stream, own, &known, max, &heard);
        });
    }
}

/// Checks who dials, and hands on what it says.
fn hear(
    mut stream: TcpStream,
    own: Address,
    known: &[Address],
    max: usize,
    heard: &Sender<(Address, Vec<u8>)>,
) -> io::Result<()> {
    stream.set_read_timeout(Some(HANDSHAKE))?;
    stream.set_write_timeout(Some(HANDSHAKE))?;
    let mut drawn = [0; 32];
    getrandom::fill(&mut drawn).map_err(|_| io::ErrorKind::Other)?;
    stream.write_all(&drawn)?;
    let (mut peer, mut signature) = ([0; 20], [0; 65]);
    stream.read_exact(&mut peer)?;
    stream.read_exact(&mut signature)?;
    let peer = Address::new(peer);
    let signature = Signature::from_raw(&signature).map_err(|_| io::ErrorKind::InvalidData)?;
    let signer = signature.recover_address_from_prehash(&greeting(peer, own, &drawn));
    if signer.ok() != Some(peer) || !known.contains(&peer) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    stream.set_read_timeout(None)?;
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > max {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // Grows as the bytes come, not by what was claimed.
        let mut message = Vec::new();
        let got = Read::by_ref(&mut stream).take(length as u64).read_to_end(&mut message)?;
        if got != length || heard.send((peer, message)).is_err() {
            return Ok(());
        }
    }
}

fn write_frame(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(message)
}

/// What the one that dials signs: it is good for one connection to one peer.
fn greeting(from: Address, to: Address, drawn: &[u8; 32]) -> B256 {
    let parts = [b"lazvm/example-mesh/1".as_slice(), from.as_slice(), to.as_slice(), drawn];
    keccak256(parts.concat())
}

/// Messages that wait for a peer at most.
const QUEUE: usize = 1_024;
const HANDSHAKE: Duration = Duration::from_secs(2);
const SEND: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LAST_PAUSE: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::fleet::free_ports;

    #[test]
    fn messages_come_from_who_signed_and_strangers_are_not_heard() {
        let wallets = ["a", "b", "c"].map(|name| Wallet::named(name, 1).unwrap());
        let ports = free_ports(3).unwrap();
        let addresses: Vec<_> =
            ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect();
        let of = |indices: &[usize]| {
            let peers = indices.iter().map(|i| (wallets[*i].address(), addresses[*i]));
            peers.collect::<BTreeMap<_, _>>()
        };
        let (sender, heard) = channel();
        let _b = Mesh::start(&wallets[1], addresses[1], &of(&[0, 1]), 100, sender.clone()).unwrap();
        let stranger =
            Mesh::start(&wallets[2], addresses[2], &of(&[1, 2]), 100, channel().0).unwrap();
        let a = Mesh::start(&wallets[0], addresses[0], &of(&[0, 1]), 100, sender).unwrap();
        let (good, long): (Arc<[u8]>, Arc<[u8]>) = (Arc::from([7; 50]), Arc::from([7; 101]));
        stranger.send(wallets[1].address(), &good);
        a.send(wallets[1].address(), &good);
        let wait = Duration::from_secs(20);
        assert_eq!(heard.recv_timeout(wait), Ok((wallets[0].address(), good.to_vec())));
        // Too long a message ends the connection, and nothing of it is heard; the next one comes on another.
        a.send(wallets[1].address(), &long);
        for _ in 0..100 {
            a.send(wallets[1].address(), &good);
            if let Ok(next) = heard.recv_timeout(Duration::from_millis(200)) {
                assert_eq!(next, (wallets[0].address(), good.to_vec()));
                return;
            }
        }
        panic!("the connection did not come back");
    }
}
