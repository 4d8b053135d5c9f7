use alloy_eips::{eip7840::BlobParams, eip7892::BlobScheduleBlobParams};
use lazvm_blocks::{
    ChainSpec,
    alloy_hardforks::{EthereumHardfork as Fork, ForkCondition},
};

use super::fixture::{Blobs, Case};

/// Reads the network of a case, or tells why it is left out.
pub(super) fn chain_spec(case: &Case) -> Result<ChainSpec, &'static str> {
    let network = Network::of(&case.network)?;
    let mut forks: Vec<_> = FORKS
        .iter()
        .enumerate()
        .map(|(place, (_, fork))| (*fork, network.begins(place, *fork)))
        .collect();
    if case.network == DAO {
        forks.push((Fork::Dao, ForkCondition::Block(5)));
    }
    let chain_id = case.config.chainid.map_or(1, |id| id.to());
    Ok(ChainSpec::new(chain_id, forks).with_blobs(blobs(case, &network)))
}

/// The forks that are active from the first block on, and those that begin later.
struct Network {
    /// How many of [`FORKS`] are active at the genesis block.
    first: usize,
    /// How many are active in the end.
    last: usize,
    /// The block, or the time, at which the others begin.
    change: u64,
}

impl Network {
    fn of(name: &str) -> Result<Self, &'static str> {
        let (names, change) = if let Some(names) = name.strip_suffix("AtTime15k") {
            (names, 15_000)
        } else if let Some(names) = name.strip_suffix("At5") {
            (names, 5)
        } else {
            (name, 0)
        };
        if name == DAO {
            let first = place("Homestead")?;
            return Ok(Self { first, last: first, change });
        }
        let (first, last) = names.split_once("To").unwrap_or((names, names));
        Ok(Self { first: place(first)?, last: place(last)?, change })
    }

    fn begins(&self, place: usize, fork: Fork) -> ForkCondition {
        let at = |number| {
            if fork >= Fork::Shanghai {
                ForkCondition::Timestamp(number)
            } else {
                ForkCondition::Block(number)
            }
        };
        if place < self.first {
            at(0)
        } else if place < self.last {
            at(self.change)
        } else {
            ForkCondition::Never
        }
    }
}

/// How many forks are active with the named one.
fn place(name: &str) -> Result<usize, &'static str> {
    let name = match name {
        "TangerineWhistle" => "EIP150",
        "SpuriousDragon" => "EIP158",
        "Petersburg" => "ConstantinopleFix",
        "Merge" => "Paris",
        "Constantinople" => return Err("a fork that revm has no rules for"),
        name => name,
    };
    let place = FORKS.iter().rposition(|(known, _)| *known == name);
    place.map(|place| place + 1).ok_or("a network that is not known")
}

fn blobs(case: &Case, network: &Network) -> BlobScheduleBlobParams {
    let named = |name: &str, default: BlobParams| {
        case.config.blob_schedule.get(name).map_or(default, |blobs| params(blobs, default))
    };
    let mut all = BlobScheduleBlobParams::mainnet();
    all.cancun = named("Cancun", BlobParams::cancun());
    all.prague = named("Prague", BlobParams::prague());
    all.osaka = named("Osaka", BlobParams::osaka());
    let osaka = all.osaka;
    let scheduled = FORKS
        .iter()
        .enumerate()
        .filter(|(place, (_, fork))| *fork > Fork::Osaka && *place < network.last);
    all.with_scheduled(scheduled.map(|(place, (name, fork))| {
        let default = match fork {
            Fork::Bpo1 => BlobParams::bpo1(),
            Fork::Bpo2 => BlobParams::bpo2(),
            _ => osaka,
        };
        let begins = if place < network.first { 0 } else { network.change };
        (begins, named(name, default))
    }))
}

fn params(blobs: &Blobs, default: BlobParams) -> BlobParams {
    BlobParams {
        target_blob_count: blobs.target.to(),
        max_blob_count: blobs.max.to(),
        update_fraction: blobs.base_fee_update_fraction.saturating_to(),
        ..default
    }
}

/// The network on which the money of the DAO moves.
const DAO: &str = "HomesteadToDaoAt5";

/// The forks that networks name, in their order.
const FORKS: [(&str, Fork); 23] = [
    ("Frontier", Fork::Frontier),
    ("Homestead", Fork::Homestead),
    ("EIP150", Fork::Tangerine),
    ("EIP158", Fork::SpuriousDragon),
    ("Byzantium", Fork::Byzantium),
    ("ConstantinopleFix", Fork::Constantinople),
    ("ConstantinopleFix", Fork::Petersburg),
    ("Istanbul", Fork::Istanbul),
    ("MuirGlacier", Fork::MuirGlacier),
    ("Berlin", Fork::Berlin),
    ("London", Fork::London),
    ("ArrowGlacier", Fork::ArrowGlacier),
    ("GrayGlacier", Fork::GrayGlacier),
    ("Paris", Fork::Paris),
    ("Shanghai", Fork::Shanghai),
    ("Cancun", Fork::Cancun),
    ("Prague", Fork::Prague),
    ("Osaka", Fork::Osaka),
    ("BPO1", Fork::Bpo1),
    ("BPO2", Fork::Bpo2),
    ("BPO3", Fork::Bpo3),
    ("BPO4", Fork::Bpo4),
    ("BPO5", Fork::Bpo5),
];
