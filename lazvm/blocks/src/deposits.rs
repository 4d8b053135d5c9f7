use alloy_primitives::{Address, B256, Log, U256, b256};

/// Returns whether the deposits among some logs are laid out as the contract of EIP-6110 does: a
/// block with another is invalid.
pub(crate) fn are_laid_out<'a>(contract: Address, logs: impl IntoIterator<Item = &'a Log>) -> bool {
    let is_deposit =
        |log: &&Log| log.address == contract && log.topics().first() == Some(&DEPOSIT_EVENT);
    logs.into_iter().filter(is_deposit).all(|log| is_laid_out(&log.data.data))
}

fn is_laid_out(data: &[u8]) -> bool {
    let word = |place: usize| data.get(place..place + 32).map(U256::from_be_slice);
    let is = |place: usize, expected: usize| word(place) == Some(U256::from(expected));
    data.len() == EVENT_BYTES
        && FIELDS
            .iter()
            .enumerate()
            .all(|(index, (offset, bytes))| is(32 * index, *offset) && is(*offset, *bytes))
}

/// `DepositEvent(bytes,bytes,bytes,bytes,bytes)`.
const DEPOSIT_EVENT: B256 =
    b256!("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");

/// Bytes of the data of the event.
const EVENT_BYTES: usize = 576;

/// Where each of the five texts stands, and how long it is: the public key, the credentials, the
/// amount, the signature and the index.
const FIELDS: [(usize, usize); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)];

#[cfg(test)]
mod tests {
    use alloy_primitives::{Bytes, LogData};

    use super::*;

    fn data() -> Vec<u8> {
        let mut data = vec![0; EVENT_BYTES];
        for (index, (offset, bytes)) in FIELDS.into_iter().enumerate() {
            for (place, value) in [(32 * index, offset), (offset, bytes)] {
                data[place..place + 32].copy_from_slice(&U256::from(value).to_be_bytes::<32>());
            }
        }
        data
    }

    fn log(address: Address, topic: B256, data: Vec<u8>) -> Log {
        Log { address, data: LogData::new_unchecked(vec![topic], Bytes::from(data)) }
    }

    #[test]
    fn one_layout_is_valid() {
        let contract = Address::repeat_byte(1);
        let check = |data| are_laid_out(contract, [&log(contract, DEPOSIT_EVENT, data)]);
        assert!(check(data()));
        for place in (0..160).chain([191, 287, 351, 415, 543]) {
            let mut other = data();
            other[place] ^= 1;
            assert!(!check(other), "{place}");
        }
        // What the fields say is not looked at.
        let mut other = data();
        other[200] = 7;
        assert!(check(other));
        let mut long = data();
        long.push(0);
        assert!(!check(long) && !check(Vec::new()) && !check(vec![0; 31]));
        // Of another contract, or another event.
        let other = log(Address::repeat_byte(2), DEPOSIT_EVENT, Vec::new());
        assert!(are_laid_out(contract, [&other]));
        assert!(are_laid_out(contract, [&log(contract, B256::ZERO, Vec::new())]));
    }
}
