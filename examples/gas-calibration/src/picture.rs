//! The week as a drawing: fees on a scale of powers of ten above, gas below.

use core::fmt::Write;

use crate::week::{BLOCKS_OF_A_DAY, BLOCKS_OF_A_SAMPLE, EPISODES, GWEI, LIMIT, Sample};

/// Draws the week as SVG; the same samples give the same bytes on every machine.
pub(crate) fn draw(samples: &[Sample]) -> String {
    let width = LEFT + samples.len() as u64 * STEP;
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {} {HEIGHT}" font-family="Helvetica, Arial, sans-serif">
<style>text{{font-size:12px;fill:{SOFT}}}.h{{font-size:13px;font-weight:bold;fill:{INK}}}.e{{text-anchor:end}}.m{{text-anchor:middle}}</style>
<rect width="{}" height="{HEIGHT}" fill="#fff"/>
"##,
        width + 20,
        width + 20,
    );
    scenery(&mut out, width);
    for (name, colour, fee) in [
        ("inference", COLOURS[2], (|sample| sample.fees.inference) as fn(&Sample) -> u128),
        ("ai", COLOURS[1], |sample| sample.fees.ai),
        ("evm", COLOURS[0], |sample| sample.fees.evm),
    ] {
        let points = samples.iter().enumerate().map(|(index, sample)| {
            let x = LEFT + index as u64 * STEP;
            format!("{x} {}", fee_height(fee(sample)))
        });
        let points = points.collect::<Vec<_>>().join("L");
        let _ = writeln!(
            out,
            r#"<path d="M{points}" fill="none" stroke="{colour}" stroke-width="1.5"><title>{name}</title></path>"#
        );
    }
    for (index, sample) in samples.iter().enumerate() {
        let (x, mut bottom) = (LEFT + index as u64 * STEP, GAS_BOTTOM);
        for (gas, colour) in
            [sample.used.evm, sample.used.ai, sample.used.inference].into_iter().zip(COLOURS)
        {
            let height = gas * GAS_HEIGHT / LIMIT;
            bottom -= height;
            if height > 0 {
                let _ = writeln!(
                    out,
                    r#"<rect x="{x}" y="{bottom}" width="{STEP}" height="{height}" fill="{colour}"/>"#
                );
            }
        }
    }
    let target = GAS_BOTTOM - GAS_HEIGHT / 2;
    let _ = writeln!(
        out,
        r#"<line x1="{LEFT}" y1="{target}" x2="{width}" y2="{target}" stroke="{INK}" stroke-dasharray="5 4"/>"#
    );
    out.push_str("</svg>\n");
    out
}

/// Axes, days, episodes and the legend.
fn scenery(out: &mut String, width: u64) {
    for episode in EPISODES {
        let x = LEFT + episode.from * STEP / BLOCKS_OF_A_SAMPLE;
        let wide = ((episode.to - episode.from) * STEP / BLOCKS_OF_A_SAMPLE).max(STEP);
        let _ = writeln!(
            out,
            r##"<rect x="{x}" y="{FEE_TOP}" width="{wide}" height="{}" fill="#f3f0e6"/><text x="{}" y="{}" class="m">{}</text>"##,
            GAS_BOTTOM - FEE_TOP,
            x + wide / 2,
            FEE_TOP - 6,
            episode.name,
        );
    }
    for (power, label) in [(0, "0.1"), (1, "1"), (2, "10"), (3, "100")] {
        let y = FEE_TOP + FEE_HEIGHT - power * FEE_HEIGHT / 3;
        let _ = writeln!(
            out,
            r#"<line x1="{LEFT}" y1="{y}" x2="{width}" y2="{y}" stroke="{LINE}"/><text x="{}" y="{}" class="e">{label}</text>"#,
            LEFT - 6,
            y + 4,
        );
    }
    for (part, label) in [(0, "0"), (1, "15"), (2, "30")] {
        let y = GAS_BOTTOM - part * GAS_HEIGHT / 2;
        let _ = writeln!(
            out,
            r#"<line x1="{LEFT}" y1="{y}" x2="{width}" y2="{y}" stroke="{LINE}"/><text x="{}" y="{}" class="e">{label}</text>"#,
            LEFT - 6,
            y + 4,
        );
    }
    let day = BLOCKS_OF_A_DAY * STEP / BLOCKS_OF_A_SAMPLE;
    for index in 0..7 {
        let x = LEFT + index * day + day / 2;
        let y = GAS_BOTTOM + 18;
        let _ = writeln!(out, r#"<text x="{x}" y="{y}" class="m">day {}</text>"#, index + 1);
    }
    let _ = writeln!(
        out,
        r#"<text x="{LEFT}" y="18" class="h">base fee, gwei (the highest of 20 minutes)</text><text x="{LEFT}" y="{}" class="h">million gas of a block (mean of 20 minutes), with the target of the block</text>"#,
        GAS_BOTTOM - GAS_HEIGHT - 10,
    );
    for (index, (name, colour)) in ["evm", "ai", "inference"].into_iter().zip(COLOURS).enumerate() {
        let x = width - 250 + index as u64 * 80;
        let _ = writeln!(
            out,
            r#"<rect x="{x}" y="8" width="12" height="12" fill="{colour}"/><text x="{}" y="18">{name}</text>"#,
            x + 17,
        );
    }
}

/// The height of a fee on a scale of three powers of ten, from 0.1 gwei.
fn fee_height(fee: u128) -> u64 {
    let least = log2(GWEI / 10);
    let height = log2(fee.max(1)).saturating_sub(least) * FEE_HEIGHT / (log2(100 * GWEI) - least);
    FEE_TOP + FEE_HEIGHT - height.min(FEE_HEIGHT)
}

/// The logarithm to base 2 with 16 fraction bits, rounded down: by squaring, so that no library
/// decides a digit.
fn log2(value: u128) -> u64 {
    let whole = u64::from(value.max(1).ilog2());
    // From 1 to 2, with 62 fraction bits.
    let mut mantissa = if whole >= 62 { value >> (whole - 62) } else { value << (62 - whole) };
    let mut result = whole;
    for _ in 0..16 {
        mantissa = (mantissa * mantissa) >> 62;
        let bit = u64::from(mantissa >> 63 != 0);
        mantissa >>= bit;
        result = 2 * result + bit;
    }
    result
}

const INK: &str = "#1b2733";
const SOFT: &str = "#5b6b7b";
const LINE: &str = "#d9e0e6";
/// Of `evm`, `ai` and `inference`.
const COLOURS: [&str; 3] = ["#3a7d44", "#d1603d", "#4a6fa5"];
const LEFT: u64 = 44;
const STEP: u64 = 2;
const FEE_TOP: u64 = 50;
const FEE_HEIGHT: u64 = 240;
const GAS_HEIGHT: u64 = 120;
const GAS_BOTTOM: u64 = FEE_TOP + FEE_HEIGHT + 40 + GAS_HEIGHT;
const HEIGHT: u64 = GAS_BOTTOM + 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::week::simulate;

    #[test]
    fn logarithms_are_exact() {
        for (value, log) in
            [(1, 0), (2, 65_536), (1 << 100, 100 * 65_536), (3, 103_872), (10, 217_705)]
        {
            assert_eq!(log2(value), log, "{value}");
        }
    }

    #[test]
    fn the_committed_picture_is_what_is_drawn() {
        let committed = include_str!("../../../docs/gas-week.svg");
        let drawn = draw(&simulate().unwrap());
        assert!(drawn == committed, "run `cargo run -p gas-calibration -- week`");
    }
}
