use std::{env, fs, io::Cursor, path::PathBuf, process};

use alloy_primitives::hex;
use halo2_proofs::{
    SerdeFormat,
    arithmetic::powers,
    halo2curves::{
        bn256::{Bn256, Fq2, Fr, G1Affine, G2Affine},
        ff::Field,
        group::Curve,
        serde::SerdeObject,
    },
    poly::{commitment::ParamsProver, kzg::commitment::ParamsKZG},
};
use proptest::prelude::*;

use super::{development, *};

fn read(bytes: &[u8], k: u32) -> Result<Srs, SrsError> {
    Srs::read(Cursor::new(bytes), k)
}

fn written(srs: &Srs) -> Vec<u8> {
    let mut bytes = Vec::new();
    srs.params().write_custom(&mut bytes, SerdeFormat::RawBytes).unwrap();
    bytes
}

fn times(tau: Fr) -> G2Affine {
    (G2Affine::generator() * tau).to_affine()
}

/// A file of snarkjs in its sections.
#[derive(Clone)]
struct Sections(Vec<(u32, Vec<u8>)>);

impl Sections {
    fn new(bytes: &[u8]) -> Self {
        let mut sections = Vec::new();
        let mut rest = &bytes[12..];
        while !rest.is_empty() {
            let size = u64::from_le_bytes(rest[4..12].try_into().unwrap()) as usize;
            let section = u32::from_le_bytes(rest[..4].try_into().unwrap());
            sections.push((section, rest[12..12 + size].to_vec()));
            rest = &rest[12 + size..];
        }
        Self(sections)
    }

    fn of(tau: Fr, k: u32) -> Self {
        let mut sections = Self::new(CEREMONY);
        sections.0.truncate(3);
        sections.get(1)[36..40].copy_from_slice(&k.to_le_bytes());
        let powers: Vec<Fr> = powers(tau).take((2 << k) - 1).collect();
        *sections.get(2) =
            powers.iter().flat_map(|power| raw(G1Affine::generator(), *power)).collect();
        *sections.get(3) =
            powers[..1 << k].iter().flat_map(|power| times(*power).to_raw_bytes()).collect();
        sections
    }

    fn get(&mut self, wanted: u32) -> &mut Vec<u8> {
        &mut self.0.iter_mut().find(|(section, _)| *section == wanted).unwrap().1
    }

    fn write(&self) -> Vec<u8> {
        let mut bytes = b"ptau\x01\0\0\0".to_vec();
        bytes.extend((self.0.len() as u32).to_le_bytes());
        for (section, contents) in &self.0 {
            bytes.extend(section.to_le_bytes());
            bytes.extend((contents.len() as u64).to_le_bytes());
            bytes.extend(contents);
        }
        bytes
    }
}

fn raw(point: G1Affine, factor: Fr) -> Vec<u8> {
    (point * factor).to_affine().to_raw_bytes()
}

/// On the curve of G2 but not in the group.
fn outside() -> G2Affine {
    let b = Fq2::from(3) * Fq2::new(9.into(), 1.into()).invert().unwrap();
    (1_u64..)
        .find_map(|x| {
            let x = Fq2::from(x);
            Option::from((x.square() * x + b).sqrt()).map(|y| G2Affine { x, y })
        })
        .unwrap()
}

#[test]
fn a_ceremony_of_snarkjs_is_read() {
    let whole = read(CEREMONY, 3).unwrap();
    assert_eq!(whole.k(), 3);
    assert!(!whole.verifier().is_development());
    let mut unprepared = Sections::new(CEREMONY);
    unprepared.0.retain(|(section, _)| *section < 12);
    for k in 1..=3 {
        let prepared = read(CEREMONY, k).unwrap();
        let computed = read(&unprepared.write(), k).unwrap();
        assert_eq!(prepared.digest(), whole.digest());
        assert_eq!(prepared.params().get_g(), &whole.params().get_g()[..1 << k]);
        assert_eq!(written(&prepared), written(&computed));
    }
    assert_eq!(read(CEREMONY, 4).unwrap_err(), SrsError::TooSmall { expected: 4, got: 3 });
    for got in [0, 29, u32::MAX] {
        assert_eq!(read(CEREMONY, got).unwrap_err(), SrsError::Power { got, max: 28 });
    }
}

#[test]
fn a_file_of_a_known_secret_gives_its_powers() {
    let tau = Fr::from(123_456_789);
    let srs = read(&Sections::of(tau, 4).write(), 4).unwrap();
    for (power, point) in powers(tau).zip(srs.params().get_g()) {
        assert_eq!((G1Affine::generator() * power).to_affine(), *point);
    }
    assert_eq!(srs.verifier().s_g2(), times(tau));
}

#[test]
fn every_byte_that_is_used_counts() {
    let whole = read(CEREMONY, 3).unwrap();
    let place = |wanted: u32| {
        let mut at = 12;
        for (section, contents) in Sections::new(CEREMONY).0 {
            at += 12;
            if section == wanted {
                break;
            }
            at += contents.len();
        }
        at
    };
    let used = (0..68)
        .chain(place(2) - 12..place(2) + 8 * 64)
        .chain(place(3) - 12..place(3) + 2 * 128)
        .chain(place(12) - 12..place(12))
        .chain(place(12) + 7 * 64..place(12) + 15 * 64);
    let mut tried = 0;
    for at in used {
        let mut altered = CEREMONY.to_vec();
        altered[at] ^= 1;
        // The power of the whole ceremony, of which the file may hold a part, is not used.
        if (64..68).contains(&at) {
            continue;
        }
        tried += 1;
        // With its number changed, a section of a basis is one that is not read, and the basis is
        // computed.
        if let Ok(srs) = read(&altered, 3) {
            assert_eq!(written(&srs), written(&whole), "byte {at}");
        }
    }
    for length in 0..CEREMONY.len() {
        tried += 1;
        assert!(read(&CEREMONY[..length], 3).is_err(), "cut at {length}");
    }
    // Powers times other secrets are no concern of this proof system.
    let mut other = Sections::new(CEREMONY);
    other.get(4).fill(7);
    assert_eq!(read(&other.write(), 3).unwrap().digest(), whole.digest());
    println!("tried {tried}, accepted 0");
}

#[test]
fn each_fault_of_a_ceremony_has_its_error() {
    let tau = Fr::from(987_654_321);
    let good = Sections::of(tau, 3);
    let altered = |alter: &dyn Fn(&mut Sections)| {
        let mut sections = good.clone();
        alter(&mut sections);
        read(&sections.write(), 3).unwrap_err()
    };
    let in_bytes = |at: usize, to: &[u8]| {
        let mut bytes = good.write();
        bytes[at..at + to.len()].copy_from_slice(to);
        read(&bytes, 3).unwrap_err()
    };
    let point = |index| SrsError::Point { what: "the powers in G1", index };
    let g2_point = SrsError::Point { what: "G2", index: 1 };
    let length = good.write().len() as u64;
    assert_eq!(
        in_bytes(0, b"zkey"),
        SrsError::Power { got: u32::from_le_bytes(*b"zkey"), max: 28 }
    );
    assert_eq!(in_bytes(4, &[2]), SrsError::Version { expected: 1, got: 2 });
    assert_eq!(in_bytes(8, &[4]), SrsError::Length { expected: length + 4, got: length });
    assert!(matches!(in_bytes(8, &[2]), SrsError::Length { got, .. } if got == length));
    assert!(matches!(in_bytes(16, &[0xff; 8]), SrsError::Length { expected: u64::MAX, .. }));
    assert_eq!(altered(&|file| file.get(1)[4] ^= 1), SrsError::Field);
    assert_eq!(altered(&|file| file.get(1)[0] = 48), SrsError::Field);
    assert_eq!(altered(&|file| file.get(1)[36] = 29), SrsError::Power { got: 29, max: 28 });
    assert!(matches!(altered(&|file| file.get(1)[36] = 2), SrsError::TooSmall { .. }));
    let size = |section, expected, got| SrsError::SectionSize { section, expected, got };
    assert_eq!(altered(&|file| file.get(1).push(0)), size(1, 44, 45));
    assert_eq!(altered(&|file| file.get(2).truncate(512)), size(2, 960, 512));
    assert_eq!(altered(&|file| file.get(3).truncate(256)), size(3, 1024, 256));
    assert_eq!(altered(&|file| file.0.push((12, vec![0; 64]))), size(12, 1984, 64));
    for section in 1..=3 {
        let missing = altered(&|file| file.0.retain(|(other, _)| *other != section));
        assert_eq!(missing, SrsError::MissingSection { section });
        let repeated = altered(&|file| file.0.push(file.0[section as usize - 1].clone()));
        assert_eq!(repeated, SrsError::RepeatedSection { section });
    }
    assert_eq!(altered(&|file| file.get(2)[64] ^= 1), point(1));
    assert_eq!(altered(&|file| file.get(2)[64..128].fill(0)), point(1));
    // A coordinate that is its remainder plus the modulus.
    assert_eq!(altered(&|file| file.get(2)[64..96].fill(0xff)), point(1));
    let generator = |group| SrsError::Generator { group };
    let put = |file: &mut Sections, section, at: usize, bytes: &[u8]| {
        file.get(section)[at..at + bytes.len()].copy_from_slice(bytes);
    };
    let other = raw(G1Affine::generator(), Fr::from(3));
    assert_eq!(altered(&|file| put(file, 2, 0, &other)), generator("G1"));
    assert_eq!(altered(&|file| put(file, 2, 7 * 64, &other)), SrsError::NotPowers);
    let g2 = |factor: u64| times(Fr::from(factor)).to_raw_bytes();
    assert_eq!(altered(&|file| put(file, 3, 0, &g2(3))), generator("G2"));
    assert_eq!(altered(&|file| put(file, 3, 128, &g2(3))), SrsError::NotPowers);
    assert_eq!(altered(&|file| put(file, 3, 128, &outside().to_raw_bytes())), g2_point);
    assert_eq!(altered(&|file| put(file, 3, 128, &[0; 128])), SrsError::Trivial);
    assert_eq!(altered(&|file| put(file, 3, 128, &g2(1))), SrsError::Trivial);
    // A whole file of a secret that is a root of unity.
    let root = check::root_of_unity(3);
    assert_eq!(read(&Sections::of(root, 3).write(), 3).unwrap_err(), SrsError::Trivial);
}

#[test]
fn a_basis_that_does_not_fit_is_refused() {
    let mut file = Sections::new(CEREMONY);
    let lagrange = file.get(12);
    let (first, second) = lagrange[7 * 64..9 * 64].split_at_mut(64);
    first.swap_with_slice(second);
    assert_eq!(read(&file.write(), 3).unwrap_err(), SrsError::Lagrange);
}

#[test]
fn files_of_halo2_are_read_in_each_form() {
    let srs = read(CEREMONY, 3).unwrap();
    for format in [SerdeFormat::Processed, SerdeFormat::RawBytes, SerdeFormat::RawBytesUnchecked] {
        let mut bytes = Vec::new();
        srs.params().write_custom(&mut bytes, format).unwrap();
        for k in 1..=3 {
            assert_eq!(read(&bytes, k).unwrap().digest(), srs.digest());
        }
        assert_eq!(read(&bytes, 4).unwrap_err(), SrsError::TooSmall { expected: 4, got: 3 });
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], 3).is_err(), "cut at {length}");
        }
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(read(&altered, 3).is_err(), "byte {at}");
        }
        bytes.push(0);
        assert!(matches!(read(&bytes, 3), Err(SrsError::Length { .. })));
    }
}

#[test]
fn the_published_secret_is_told_apart() {
    let srs = Srs::development_with_known_secret(3).unwrap();
    assert_eq!(srs.verifier().s_g2(), times(development::secret()));
    assert!(srs.verifier().is_development());
    assert_ne!(srs.digest(), read(CEREMONY, 3).unwrap().digest());
    let again = Srs::development_with_known_secret(5).unwrap();
    assert_eq!(srs.digest(), again.digest());
    let own = Sections::of(development::secret(), 3).write();
    assert_eq!(read(&own, 3).unwrap_err(), SrsError::DevelopmentSecret);
    assert!(matches!(Srs::development_with_known_secret(0), Err(SrsError::Power { .. })));
    assert!(matches!(Srs::development_with_known_secret(29), Err(SrsError::Power { .. })));
}

#[test]
fn the_cache_is_filled_once_and_checked() {
    let path = Scratch::new();
    let make = || read(CEREMONY, 3);
    let never = || -> Result<Srs, SrsError> { panic!("the cache is not used") };
    let digest = Srs::cached(&path.0, 3, make).unwrap().digest();
    assert_eq!(Srs::cached(&path.0, 3, never).unwrap().digest(), digest);
    // One of another size is replaced.
    assert_eq!(Srs::cached(&path.0, 2, || read(CEREMONY, 2)).unwrap().k(), 2);
    assert_eq!(Srs::cached(&path.0, 2, never).unwrap().k(), 2);
    let mut bytes = fs::read(&path.0).unwrap();
    bytes[100] ^= 1;
    fs::write(&path.0, bytes).unwrap();
    assert!(Srs::open(&path.0, 2).is_err());
    Srs::cached(&path.0, 2, || read(CEREMONY, 2)).unwrap();
    assert_eq!(Srs::open(&path.0, 2).unwrap().digest(), digest);
    // One that anybody can forge with is not kept.
    Srs::cached(&path.0, 3, || Srs::development_with_known_secret(3)).unwrap();
    assert_eq!(Srs::open(&path.0, 2).unwrap().digest(), digest);
    let folder = path.0.parent().unwrap();
    let name = path.0.file_name().unwrap().to_str().unwrap();
    let left = fs::read_dir(folder).unwrap().filter_map(Result::ok);
    let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with(name));
    assert_eq!(left.count(), 1);
    let io = Srs::open(folder.join("lazvm-no-such-file"), 2).unwrap_err();
    assert_eq!(io, SrsError::Io { source: std::io::ErrorKind::NotFound.into() });
}

#[test]
fn the_part_of_the_verifier_is_canonical() {
    let verifier = read(CEREMONY, 3).unwrap().verifier().clone();
    let bytes = verifier.to_bytes();
    let again = SrsVerifier::from_bytes(&bytes).unwrap();
    assert_eq!((again.s_g2(), again.digest()), (verifier.s_g2(), verifier.digest()));
    for at in 0..bytes.len() {
        let mut altered = bytes;
        altered[at] ^= 1;
        assert!(SrsVerifier::from_bytes(&altered).is_err(), "byte {at}");
    }
    let point = SrsError::Point { what: "G2", index: 1 };
    assert_eq!(SrsVerifier::from_bytes(&[0xff; 128]).unwrap_err(), point);
    assert_eq!(SrsVerifier::from_bytes(&[0; 128]).unwrap_err(), SrsError::Trivial);
    assert_eq!(SrsVerifier::new(outside()).unwrap_err(), point);
    for trivial in [Fr::ZERO, Fr::ONE, -Fr::ONE] {
        assert_eq!(SrsVerifier::new(times(trivial)).unwrap_err(), SrsError::Trivial);
    }
    // The order of the coordinates is that of EIP-197.
    let generator = hex!(
        "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2"
        "1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
        "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b"
        "12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
    );
    assert_eq!(SrsVerifier::from_bytes(&generator).unwrap_err(), SrsError::Trivial);
    let params: ParamsKZG<Bn256> = verifier.params(3);
    assert_eq!(params.s_g2(), verifier.s_g2());
}

proptest! {
    #[test]
    fn bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), k in 0_u32..32) {
        prop_assert!(read(&bytes, k).is_err());
    }

    #[test]
    fn altered_files_never_panic(
        at in 0..CEREMONY.len(),
        bytes in prop::collection::vec(any::<u8>(), 1..40),
        k in 1_u32..5,
    ) {
        let mut altered = CEREMONY.to_vec();
        let end = altered.len().min(at + bytes.len());
        altered[at..end].copy_from_slice(&bytes[..end - at]);
        if let Ok(srs) = read(&altered, k) {
            prop_assert_eq!(srs.digest(), read(CEREMONY, k).unwrap().digest());
        }
    }

    #[test]
    fn claimed_sizes_take_no_memory(power in 1_u32..40) {
        // Nothing behind the header.
        prop_assert!(read(&power.to_le_bytes(), power.min(28)).is_err());
    }

    #[test]
    fn points_of_verifiers_never_panic(words in prop::collection::vec(any::<u8>(), 128)) {
        let words: [u8; 128] = words.try_into().unwrap();
        prop_assert!(SrsVerifier::from_bytes(&words).is_err());
    }
}

/// A file that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(env::temp_dir().join(format!("lazai-srs-{}", process::id())))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Made by snarkjs, see `testdata/README.md`.
const CEREMONY: &[u8] = include_bytes!("../../testdata/ceremony-3.ptau");

#[test]
fn the_known_strings_have_the_digests_that_verifiers_accept() {
    let development = Srs::development_with_known_secret(1).unwrap();
    assert_eq!(development.digest(), SrsVerifier::DEVELOPMENT);
    assert_eq!(development.verifier().ceremony(), None);
    // The secret times the generator of G2, as Solidity verifiers of snarkjs have it.
    let point = hex!(
        "26186a2d65ee4d2f9c9a5b91f86597d35f192cd120caf7e935d8443d1938e23d"
        "30441fd1b5d3370482c42152a8899027716989a6996c2535bc9f7fee8aaef79e"
        "1970ea81dd6992adfbc571effb03503adbbb6a857f578403c6c40e22d65b3c02"
        "054793348f12c0cf5622c340573cb277586319de359ab9389778f689786b1e48"
    );
    let hermez = SrsVerifier::from_bytes(&point).unwrap();
    assert_eq!(hermez.digest(), SrsVerifier::PERPETUAL_POWERS_OF_TAU);
    assert!(hermez.ceremony().is_some() && !hermez.is_development());
}
