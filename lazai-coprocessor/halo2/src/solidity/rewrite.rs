//! Rewrites what `snark-verifier` generates, so that it refuses every other encoding of a proof,
//! and refuses early.
//!
//! As generated, it takes scalars modulo the order of the group, ignores bytes after the proof, and
//! continues after a point that is not on the curve, which then costs the caller all gas.

/// A line of a form that is not known here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct UnknownLine(pub(super) String);

/// Returns the statements that verify, one a line.
pub(super) fn rewrite(source: &str) -> Result<Vec<String>, UnknownLine> {
    let missing = |what: &str| UnknownLine(format!("no line {what}"));
    let (_, rest) = source.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
    let (rest, _) = rest.split_once(END).ok_or_else(|| missing(END))?;
    let mut lines = rest.lines().map(str::trim).filter(|line| !line.is_empty());
    // The ends of a block and of the function around it.
    for _ in 0..2 {
        if lines.next() != Some("}") {
            return Err(missing("}"));
        }
    }
    let mut body = Vec::new();
    let mut open: Option<u64> = None;
    while let Some(line) = lines.next() {
        if let Some(rewritten) = scalar(line) {
            body.push(rewritten);
        } else if let Some(from) = bracketed(line, "let x := calldataload(", ")") {
            let block: Vec<_> = lines.by_ref().take(5).collect();
            body.push(point(from, &block).ok_or_else(|| UnknownLine(line.to_owned()))?);
            // The block around it was opened by the line before, and is closed by the last of the
            // five.
            if body.len() < 2 || body.remove(body.len() - 2) != "{" {
                return Err(UnknownLine(line.to_owned()));
            }
        } else if let Some(call) =
            bracketed(line, "success := and(eq(staticcall(gas(), ", "), 1), success)")
        {
            let (rewritten, result) =
                self::call(call).ok_or_else(|| UnknownLine(line.to_owned()))?;
            open = result;
            body.push(rewritten);
        } else if let Some(at) = bracketed(line, "success := and(eq(mload(", "), 1), success)") {
            // The rewritten function has checked the result of the pairing.
            if open.is_none() || open != parse(at) {
                return Err(UnknownLine(line.to_owned()));
            }
            open = None;
        } else if line.contains("success") || line.contains("call") || line.contains("f_p") {
            return Err(UnknownLine(line.to_owned()));
        } else {
            body.push(line.to_owned());
        }
    }
    Ok(body)
}

/// Rewrites `mstore(to, mod(calldataload(from), f_q))`.
fn scalar(line: &str) -> Option<String> {
    let (to, rest) = line.strip_prefix("mstore(")?.split_once(", mod(calldataload(")?;
    let from = place(rest.strip_suffix("), f_q))")?)?;
    Some(format!("scalar({to}, {from:#x})"))
}

/// Rewrites the rest of a block that starts with `let x := calldataload(from)`.
fn point(from: &str, block: &[&str]) -> Option<String> {
    let [store_x, load_y, store_y, check, "}"] = block else { return None };
    let x = bracketed(store_x, "mstore(", ", x)")?;
    let y = bracketed(store_y, "mstore(", ", y)")?;
    let next = bracketed(load_y, "let y := calldataload(", ")")?;
    let follows = parse(y)? == parse(x)? + 0x20 && parse(next)? == parse(from)? + 0x20;
    let checked = *check == "success := and(validate_ec_point(x, y), success)";
    let from = place(from)?;
    (follows && checked).then(|| format!("point({x}, {from:#x})"))
}

/// Rewrites a call of a precompile; returns also the place of a pairing's result.
fn call(arguments: &str) -> Option<(String, Option<u64>)> {
    let arguments: Vec<_> = arguments.split(", ").collect();
    let [address, at, size, to, result] = arguments.as_slice() else { return None };
    let same = at == to;
    match (*address, *size, *result) {
        ("0x5", "0xc0", "0x20") => Some((format!("power({to}, {at})"), None)),
        ("0x6", "0x80", "0x40") if same => Some((format!("sum({at})"), None)),
        ("0x7", "0x60", "0x40") if same => Some((format!("multiple({at})"), None)),
        ("0x8", "0x180", "0x20") if same => Some((format!("pair({at})"), parse(at))),
        _ => None,
    }
}

fn bracketed<'a>(line: &'a str, prefix: &str, suffix: &str) -> Option<&'a str> {
    line.strip_prefix(prefix)?.strip_suffix(suffix)
}

fn parse(number: &str) -> Option<u64> {
    u64::from_str_radix(number.strip_prefix("0x")?, 16).ok()
}

/// Returns the place in the calldata of what stands at `from` if the calldata is inputs and proof
/// alone.
fn place(from: &str) -> Option<u64> {
    let from = parse(from)?;
    Some(if from < INSTANCE_BYTES { from + SELECTOR_BYTES } else { from + SELECTOR_BYTES + 0x40 })
}

pub(super) const SELECTOR_BYTES: u64 = 4;
/// Bytes of the public inputs.
pub(super) const INSTANCE_BYTES: u64 = 0x40;
const BEGIN: &str = "valid := and(valid, is_affine)";
const END: &str = "// Revert if anything fails";
