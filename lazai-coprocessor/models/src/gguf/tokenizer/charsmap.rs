//! The check of a precompiled map of characters: whoever follows it for any text stays inside it.
//!
//! The map is a length, a trie of that many bytes as a double array of 32-bit units, and the texts
//! that characters become, each ended by a zero byte. A step from a unit by a byte leads to the
//! unit at (place, exclusive or the unit's offset, exclusive or the byte), which belongs to the
//! path if its label is the byte. A path that ends at a unit with a leaf has its value, the place
//! of a text, in the unit before the byte is applied.

/// Checks a map.
pub(super) fn check(bytes: &[u8]) -> Result<(), &'static str> {
    let (length, rest) = bytes.split_first_chunk().ok_or("it has no length")?;
    let length = u32::from_le_bytes(*length) as usize;
    if !length.is_multiple_of(4) {
        return Err("its trie is not of units of four bytes");
    }
    let (trie, texts) = rest.split_at_checked(length).ok_or("its trie is cut off")?;
    let texts = core::str::from_utf8(texts).map_err(|_| "its texts are not UTF-8")?;
    let units: Vec<u32> =
        trie.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();

    let root = units.first().ok_or("its trie is empty")?;
    let mut seen = vec![false; units.len()];
    // Places from which a byte leads on.
    let mut places = vec![offset(*root)];
    while let Some(place) = places.pop() {
        if place | 0xff >= units.len() {
            return Err("a path leads out of its trie");
        }
        for byte in 1..=0xff {
            let next = place ^ byte;
            let unit = units[next];
            if label(unit) != byte || seen[next] {
                continue;
            }
            seen[next] = true;
            let after = next ^ offset(unit);
            if unit >> 8 & 1 == 1 {
                let leaf = units.get(after).ok_or("a leaf lies outside its trie")?;
                if !texts.is_char_boundary((leaf & 0x7fff_ffff) as usize) {
                    return Err("a value lies outside its texts");
                }
            }
            places.push(after);
        }
    }
    Ok(())
}

const fn offset(unit: u32) -> usize {
    // Units are read as numbers of 64 bits, so nothing is lost at the top.
    (unit as usize >> 10) << ((unit & 1 << 9) >> 6)
}

const fn label(unit: u32) -> usize {
    (unit & (1 << 31 | 0xff)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns a trie that maps `a` to the text at `value`.
    fn map(value: u32, texts: &[u8]) -> Vec<u8> {
        let mut units = vec![0_u32; 512];
        // The root leads to places from 256 on, whose unit for `a` has a leaf at its own block's
        // start.
        units[0] = 256 << 10;
        units[256 ^ 0x61] = (0x61 << 10) | 1 << 8 | 0x61;
        units[256] = 1 << 31 | value;
        let mut bytes = (4 * units.len() as u32).to_le_bytes().to_vec();
        bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
        bytes.extend_from_slice(texts);
        bytes
    }

    #[test]
    fn a_good_map_passes() {
        assert_eq!(check(&map(0, b"b\0")), Ok(()));
        assert_eq!(check(&map(3, "\u{e9}\0b\0".as_bytes())), Ok(()));
    }

    #[test]
    fn maps_that_lead_astray_are_refused() {
        for (bytes, problem) in [
            (vec![1, 0, 0], "it has no length"),
            (vec![6, 0, 0, 0, 0, 0, 0, 0, 0, 0], "its trie is not of units of four bytes"),
            (vec![0; 4], "its trie is empty"),
            (vec![8, 0, 0, 0, 1, 2, 3, 4], "its trie is cut off"),
            (map(0, b"\xff"), "its texts are not UTF-8"),
            (map(3, b"b\0"), "a value lies outside its texts"),
            (map(1, "\u{e9}\0".as_bytes()), "a value lies outside its texts"),
        ] {
            assert_eq!(check(&bytes), Err(problem));
        }
        let mut bytes = map(0, b"b\0");
        bytes[4..8].copy_from_slice(&(512_u32 << 10).to_le_bytes());
        assert_eq!(check(&bytes), Err("a path leads out of its trie"));
        let mut bytes = map(0, b"b\0");
        let unit = 4 + 4 * (256 ^ 0x61);
        bytes[unit..unit + 4].copy_from_slice(&(1024_u32 << 10 | 1 << 8 | 0x61).to_le_bytes());
        assert_eq!(check(&bytes), Err("a leaf lies outside its trie"));
    }
}
