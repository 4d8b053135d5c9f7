#![allow(clippy::arithmetic_side_effects)]

use alloc::{vec, vec::Vec};
use std::io::{self, Read, Write};

use alloy_primitives::{Address, B256, U256};
use lazai_api_types::{
    DatId, ModelId, Nonce,
    authorization::{Authorization, AuthorizationError, RequestKind, WalletSignature},
};
use proptest::prelude::*;

use super::*;

fn data(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at * 31 % 251).to_le_bytes()[0]).collect()
}

fn key(byte: u8) -> DataKey {
    DataKey::new([byte; 32])
}

fn seal(data: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    Sealer::new(data, &key(1), [9; 32]).read_to_end(&mut sealed).unwrap();
    sealed
}

fn open(sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
    let mut opener = Opener::new(Vec::new(), &key(1));
    opener.push(sealed)?;
    opener.finish()
}

#[test]
fn sizes_around_a_chunk_come_back() {
    for length in [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 200_000] {
        let sealed = seal(&data(length));
        assert_eq!(sealed.len() as u64, sealed_len(length as u64));
        assert_eq!(open(&sealed).unwrap(), data(length), "{length}");
    }
}

#[test]
fn pieces_of_any_size_give_the_same() {
    /// Reads and writes a few bytes at a time.
    struct Pieces<T>(T, usize);
    impl<R: Read> Read for Pieces<R> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }
    let data = data(2 * CHUNK_BYTES + 77);
    for size in [1, 7, 4_096, CHUNK_BYTES, CHUNK_BYTES + 16, 1 << 20] {
        let sealer = Sealer::new(Pieces(data.as_slice(), size), &key(1), [9; 32]);
        let mut sealed = Vec::new();
        Pieces(sealer, size).read_to_end(&mut sealed).unwrap();
        assert_eq!(sealed, seal(&data), "{size}");
        let mut opener = Opener::new(Vec::new(), &key(1));
        sealed.chunks(size).for_each(|piece| opener.write_all(piece).unwrap());
        assert_eq!(opener.finish().unwrap(), data, "{size}");
    }
}

/// The format is frozen: a change makes all sealed data unreadable. Other implementations
/// (libsodium, OpenSSL) produce the same bytes.
#[test]
fn the_bytes_are_fixed() {
    let sealed = seal(b"off chain");
    assert_eq!(sealed[0], 1);
    assert_eq!(sealed[1..33], [9; 32]);
    assert_eq!(
        alloy_primitives::keccak256(&sealed).to_string(),
        "0xe94954e878aaf67463474974edd7007976c708f2650ee191f81c83251954235c"
    );
}

#[test]
fn other_keys_and_salts_give_other_bytes() {
    let mut others = vec![];
    for (key, salt) in [(key(1), [9; 32]), (key(2), [9; 32]), (key(1), [8; 32])] {
        let mut sealed = Vec::new();
        Sealer::new(data(100).as_slice(), &key, salt).read_to_end(&mut sealed).unwrap();
        others.push(sealed[33..].to_vec());
    }
    assert_ne!(others[0], others[1]);
    assert_ne!(others[0], others[2]);
    let mut opener = Opener::new(Vec::new(), &key(2));
    assert!(matches!(opener.push(&seal(&data(100))), Err(OpenError::WrongKey)));
    assert!(matches!(opener.push(&[0]), Err(OpenError::Broken)));
    assert!(matches!(opener.finish(), Err(OpenError::Broken)));
}

#[test]
fn no_bit_can_change_and_no_byte_be_cut_off_or_added() {
    let sealed = seal(&data(300));
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(open(&changed).is_err(), "bit {bit}");
    }
    for length in 0..sealed.len() {
        assert!(open(&sealed[..length]).is_err(), "{length}");
    }
    assert!(open(&[sealed.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn chunks_cannot_be_left_out_moved_repeated_or_added() {
    let whole = data(3 * CHUNK_BYTES + 5);
    let sealed = seal(&whole);
    let (head, body) = sealed.split_at(65);
    let chunks: Vec<_> = body.chunks(CHUNK_BYTES + 16).collect();
    assert_eq!(chunks.len(), 4);
    let with = |order: &[usize]| {
        let mut bytes = head.to_vec();
        order.iter().for_each(|chunk| bytes.extend_from_slice(chunks[*chunk]));
        let mut opener = Opener::new(Vec::new(), &key(1));
        let result = opener.push(&bytes);
        let output = opener.output_so_far().to_vec();
        assert!(whole.starts_with(&output), "{order:?}");
        result.and_then(|()| opener.finish())
    };
    assert_eq!(with(&[0, 1, 2, 3]).unwrap(), whole);
    let wrong: [&[usize]; 9] = [
        &[0, 1, 2],
        &[0, 1],
        &[],
        &[1, 2, 3],
        &[0, 2, 3],
        &[1, 0, 2, 3],
        &[0, 0, 1, 2, 3],
        &[0, 1, 2, 3, 3],
        &[3],
    ];
    for order in wrong {
        assert!(with(order).is_err(), "{order:?}");
    }
    // Nor can a chunk come from a stream with another salt.
    let mut other = Vec::new();
    Sealer::new(whole.as_slice(), &key(1), [8; 32]).read_to_end(&mut other).unwrap();
    let mut mixed = sealed.clone();
    mixed[65..65 + CHUNK_BYTES + 16].copy_from_slice(&other[65..65 + CHUNK_BYTES + 16]);
    assert!(matches!(open(&mixed), Err(OpenError::Damaged { chunk: 0 })));
}

#[test]
fn an_empty_last_chunk_is_not_canonical() {
    // A stream of one full chunk that is not the last, and an empty last one, both rightly sealed.
    use chacha20poly1305::AeadInOut;
    let (cipher, commitment) = sealer::keys(&key(1), &[9; 32]);
    let mut bytes = [[1].as_slice(), &[9; 32], &commitment].concat();
    let (mut full, mut empty) = (data(CHUNK_BYTES), Vec::new());
    cipher.encrypt_in_place(&sealer::nonce(0, false), &[], &mut full).unwrap();
    cipher.encrypt_in_place(&sealer::nonce(1, true), &[], &mut empty).unwrap();
    bytes.extend(full);
    bytes.extend(empty);
    assert!(matches!(open(&bytes), Err(OpenError::Truncated)));
}

#[test]
fn keys_are_not_shown() {
    let secret = RecipientSecret::from_bytes(&[7; 32]).unwrap();
    let shown = alloc::format!("{:?} {secret:?}", key(7));
    assert_eq!(shown, "DataKey(..) RecipientSecret(..)");
}

const ENTROPY: [u8; 32] = [3; 32];

fn secret(byte: u8) -> RecipientSecret {
    RecipientSecret::from_bytes(&[byte; 32]).unwrap()
}

fn terms(secret: &RecipientSecret) -> GrantTerms {
    GrantTerms {
        dat_id: DatId(U256::from(42)),
        dataset: B256::repeat_byte(0xda),
        holder: secret.public_key().address(),
        expires_at: 1_000,
    }
}

fn grant() -> Grant {
    Grant::wrap(terms(&secret(7)), &secret(7).public_key(), &key(1), &ENTROPY).unwrap()
}

#[test]
fn the_address_of_a_key_is_that_of_its_wallet() {
    // The first account of the mnemonic "test test ... junk", known to every developer of
    // contracts.
    let secret =
        alloy_primitives::hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
    let key = RecipientSecret::from_bytes(&secret).unwrap().public_key();
    let address = alloy_primitives::address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    assert_eq!(key.address(), address);
    assert_eq!(RecipientKey::from_sec1(&key.to_sec1()), Ok(key));
    assert_eq!(RecipientKey::from_sec1(&[0]), Err(GrantError::Point));
    assert_eq!(RecipientKey::from_sec1(&[2; 32]), Err(GrantError::Point));
    let mut compact = key.to_sec1();
    compact[0] = 5;
    assert_eq!(RecipientKey::from_sec1(&compact), Err(GrantError::Point));
    assert!(matches!(RecipientSecret::from_bytes(&[0; 32]), Err(GrantError::Secret)));
    assert!(matches!(RecipientSecret::from_bytes(&[255; 32]), Err(GrantError::Secret)));
}

#[test]
fn the_holder_alone_unwraps_a_grant_in_time() {
    let grant = grant();
    assert_eq!(grant.unwrap_key(&secret(7), 1_000).unwrap().expose(), &[1; 32]);
    let expired = grant.unwrap_key(&secret(7), 1_001).unwrap_err();
    assert_eq!(expired, GrantError::Expired { expires_at: 1_000, now: 1_001 });
    let other = grant.unwrap_key(&secret(8), 0).unwrap_err();
    assert!(matches!(other, GrantError::NotRecipient { .. }));
    assert_eq!(grant.encode().len(), 174);
    assert!(!grant.encode().windows(32).any(|window| window == [1; 32]), "the key is sealed");
}

/// Other implementations (libsodium, OpenSSL) unwrap these bytes to the same key.
#[test]
fn the_bytes_of_a_grant_are_fixed() {
    let hash = alloy_primitives::keccak256(grant().encode());
    assert_eq!(
        hash.to_string(),
        "0xd15673563ecefcbe50dbc21fcd39b7c5b8f16376a2fc89aa7cd79e3d827ac128",
        "{}",
        alloy_primitives::hex::encode(grant().encode())
    );
}

#[test]
fn grants_are_not_made_for_the_wrong_key_or_no_data() {
    let wrong = Grant::wrap(terms(&secret(7)), &secret(8).public_key(), &key(1), &ENTROPY);
    assert!(matches!(wrong, Err(GrantError::NotRecipient { .. })));
    let nothing = GrantTerms { dat_id: DatId(U256::ZERO), ..terms(&secret(7)) };
    let wrong = Grant::wrap(nothing, &secret(7).public_key(), &key(1), &ENTROPY);
    assert_eq!(wrong, Err(GrantError::ZeroDatId));
}

#[test]
fn ephemeral_keys_differ_even_if_entropy_repeats() {
    let other = GrantTerms { expires_at: 2_000, ..terms(&secret(7)) };
    let other = Grant::wrap(other, &secret(7).public_key(), &key(1), &ENTROPY).unwrap();
    assert_ne!(other.encode()[93..126], grant().encode()[93..126]);
    let other = Grant::wrap(terms(&secret(7)), &secret(7).public_key(), &key(2), &ENTROPY).unwrap();
    assert_ne!(other.encode()[93..126], grant().encode()[93..126]);
}

#[test]
fn no_bit_of_a_grant_can_change() {
    let bytes = grant().encode();
    assert_eq!(Grant::decode(&bytes), Ok(grant()));
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes;
        changed[bit / 8] ^= 1 << (bit % 8);
        let unwrapped = Grant::decode(&changed).and_then(|grant| grant.unwrap_key(&secret(7), 0));
        assert!(unwrapped.is_err(), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(Grant::decode(&bytes[..length]).is_err(), "{length}");
    }
    assert!(Grant::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
}

/// Permits one user to read data 42 until second 900.
struct Registry(Address);

impl DatPermissions for Registry {
    fn readable_until(&self, dat_id: DatId, user: Address) -> Option<u64> {
        (dat_id == DatId(U256::from(42)) && user == self.0).then_some(900)
    }
}

#[test]
fn keys_are_granted_by_the_permissions_of_the_token() {
    let sign = |authorization: &Authorization, byte: u8| {
        let digest = authorization.digest().unwrap();
        let signer = k256::ecdsa::SigningKey::from_slice(&[byte; 32]).unwrap();
        let (signature, recovery) = signer.sign_prehash_recoverable(digest.as_slice()).unwrap();
        let mut bytes = [0; 65];
        bytes[..64].copy_from_slice(&signature.to_bytes());
        bytes[64] = 27 + recovery.to_byte();
        WalletSignature::from_bytes(&bytes).unwrap()
    };
    let user = secret(7).public_key();
    let request = Authorization {
        chain_id: 1,
        user: user.address(),
        node: Address::repeat_byte(1),
        kind: RequestKind::Query,
        body_hash: B256::ZERO,
        model: ModelId::default(),
        dat_id: Some(DatId(U256::from(42))),
        nonce: Nonce::default(),
        max_fee: U256::ZERO,
        deadline: 500,
    };
    let root = B256::repeat_byte(0xda);
    let mut keeper = KeyKeeper::new(Registry(user.address()));
    let ask = |keeper: &KeyKeeper<_>, request: &Authorization, signer, recipient: &_, now| {
        keeper.grant(request, &sign(request, signer), recipient, now, &ENTROPY)
    };
    let missing = ask(&keeper, &request, 7, &user, 400).unwrap_err();
    assert_eq!(missing, KeyKeeperError::NoKey { dat_id: DatId(U256::from(42)) });
    keeper.keep(DatId(U256::from(42)), root, key(1));
    let grant = ask(&keeper, &request, 7, &user, 400).unwrap();
    assert_eq!(*grant.terms(), GrantTerms { expires_at: 900, ..terms(&secret(7)) });
    assert_eq!(grant.unwrap_key(&secret(7), 900).unwrap().expose(), &[1; 32]);

    let late = ask(&keeper, &request, 7, &user, 501).unwrap_err();
    let expired = AuthorizationError::Expired { deadline: 500, now: 501 };
    assert_eq!(late, KeyKeeperError::Authorization(expired));
    let forged = ask(&keeper, &request, 8, &user, 400).unwrap_err();
    assert!(matches!(
        forged,
        KeyKeeperError::Authorization(AuthorizationError::SignerMismatch { .. })
    ));
    let stranger = secret(8).public_key();
    let other = ask(&keeper, &request, 7, &stranger, 400).unwrap_err();
    assert!(matches!(other, KeyKeeperError::Grant(GrantError::NotRecipient { .. })));
    let no_data = Authorization { dat_id: None, ..request };
    assert_eq!(ask(&keeper, &no_data, 7, &user, 400), Err(KeyKeeperError::NoDatId));
    let strange = Authorization { user: stranger.address(), ..request };
    let refused = ask(&keeper, &strange, 8, &stranger, 400).unwrap_err();
    assert!(matches!(refused, KeyKeeperError::NotPermitted { .. }));
    let patient = Authorization { deadline: 5_000, ..request };
    let refused = ask(&keeper, &patient, 7, &user, 901).unwrap_err();
    assert!(matches!(refused, KeyKeeperError::NotPermitted { .. }), "the permission has ended");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn streams_round_trip_and_no_change_opens(
        length in 0..3 * CHUNK_BYTES,
        at: prop::sample::Index,
        change in 1..=255_u8,
        cut: prop::sample::Index,
    ) {
        let sealed = seal(&data(length));
        prop_assert_eq!(open(&sealed).unwrap(), data(length));
        let mut changed = sealed.clone();
        let place = at.index(sealed.len());
        changed[place] ^= change;
        prop_assert!(open(&changed).is_err());
        prop_assert!(open(&sealed[..cut.index(sealed.len())]).is_err());
    }

    #[test]
    fn random_bytes_open_nothing(mut bytes in prop::collection::vec(any::<u8>(), 0..400), version: bool) {
        if version && let Some(first) = bytes.first_mut() {
            *first = 1;
        }
        prop_assert!(open(&bytes).is_err());
        prop_assert!(Grant::decode(&bytes).is_err() || bytes.len() == GRANT_BYTES);
    }

    #[test]
    fn grants_round_trip(
        id in 1..u64::MAX,
        dataset: [u8; 32],
        expires_at: u64,
        wallet in 1..=254_u8,
        key: [u8; 32],
        entropy: [u8; 32],
    ) {
        let secret = secret(wallet);
        let (dat_id, dataset) = (DatId(U256::from(id)), B256::new(dataset));
        let terms = GrantTerms { dat_id, dataset, expires_at, ..terms(&secret) };
        let grant =
            Grant::wrap(terms, &secret.public_key(), &DataKey::new(key), &entropy).unwrap();
        let decoded = Grant::decode(&grant.encode()).unwrap();
        prop_assert_eq!(&decoded, &grant);
        let unwrapped = decoded.unwrap_key(&secret, expires_at).unwrap();
        prop_assert_eq!(unwrapped.expose(), &key);
    }

    #[test]
    fn random_bytes_are_no_grant(bytes: [u8; 32], more in prop::collection::vec(any::<u8>(), GRANT_BYTES - 32)) {
        let mut bytes = [bytes.as_slice(), &more].concat();
        bytes[0] = 1;
        let unwrapped = Grant::decode(&bytes).and_then(|grant| grant.unwrap_key(&secret(7), 0));
        prop_assert!(unwrapped.is_err());
    }
}
