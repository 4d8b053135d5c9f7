use core::fmt::Write;

use serde::Serialize;

use crate::{PartCount, shape::Shape};

/// The size of a circuit and the estimated cost of its proofs, known before any key is made.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PlanReport {
    /// Binary logarithm of the rows.
    pub k: u32,
    /// Numbers of columns by what they hold.
    pub columns: Vec<(&'static str, usize)>,
    /// Numbers of constraints of every operator, in order, and of what follows them.
    pub parts: Vec<PartCount>,
    /// Bytes of the proving key.
    pub key_bytes: u64,
    /// Bytes of memory that the prover needs, key and reference string included; estimated from
    /// measurements.
    pub memory_bytes: u64,
    /// Seconds that the prover needs on one core, estimated from measurements; several cores share
    /// them.
    pub core_seconds: f64,
}

impl PlanReport {
    pub(crate) fn new(shape: Shape, parts: Vec<PartCount>) -> Self {
        let Shape { k, gates, lookups, tables, linear_combinations, constants } = shape;
        let columns = vec![
            ("public inputs", 1),
            ("constants", constants),
            ("multiplications", gates),
            ("where they begin", gates),
            ("lookups", lookups),
            ("their tables", lookups),
            ("tables", tables),
            ("which they are", tables),
            ("counts", tables),
            ("folds", linear_combinations),
            ("what they do", 4 * linear_combinations),
            ("sums", shape.sums()),
            ("rows of sums", 1),
        ];
        let fixed = constants + gates + lookups + 2 * tables + 4 * linear_combinations + 1;
        let permuted = 1 + constants + gates + lookups + linear_combinations;
        let rows = 1_u64 << k;
        // Values and coefficients of each column, and three selections of rows.
        let key_bytes = rows * 32 * (2 * (fixed + permuted) as u64 + 3);
        let all: usize = columns.iter().map(|(_, count)| count).sum();
        Self {
            k,
            columns,
            parts,
            key_bytes,
            memory_bytes: 3 * key_bytes + (16 << 20),
            core_seconds: all as f64 * rows as f64 * SECONDS_PER_CELL,
        }
    }

    /// Returns the number of rows, blinding rows included.
    #[must_use]
    pub const fn rows(&self) -> u64 {
        1 << self.k
    }

    /// Returns the number of all columns.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.columns.iter().map(|(_, count)| count).sum()
    }

    /// Draws which operators use the multiplications, lookups and linear combinations, as an SVG.
    ///
    /// Each kind is a bar over all cells of its columns; the operators fill it in the order of the
    /// program.
    #[must_use]
    pub fn svg(&self) -> String {
        let count =
            |name| self.columns.iter().find(|(other, _)| *other == name).map_or(0, |(_, n)| *n);
        let rows = self.rows() as f64;
        // A multiplication takes three or four rows, a step of a linear combination two or three.
        let cells = |part: &PartCount| {
            [3.2 * part.gates as f64, part.lookups as f64, 2.0 * part.linear_combinations as f64]
        };
        let height = 64 + 20 * self.parts.len();
        let mut svg = format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{}' font-family='sans-serif' \
             font-size='12'>\n<rect width='100%' height='100%' fill='white'/>\n",
            height + 140,
        );
        let _ = writeln!(
            svg,
            "<text x='20' y='24' font-size='15'>2^{} rows, {} columns</text>",
            self.k,
            self.column_count(),
        );
        for (index, name) in ["multiplications", "lookups", "folds"].into_iter().enumerate() {
            let y = 44 + 44 * index;
            let room = (count(name) as f64 * rows).max(1.0);
            let _ =
                writeln!(svg, "<text x='20' y='{}'>{name}, {} columns</text>", y + 14, count(name));
            let scale = BAR / room;
            let _ = writeln!(
                svg,
                "<rect x='{LEFT}' y='{y}' width='{BAR}' height='22' fill='#eeeeee'/>",
            );
            let mut x = LEFT;
            for (part, entry) in self.parts.iter().enumerate() {
                let width = cells(entry)[index] * scale;
                let _ = writeln!(
                    svg,
                    "<rect x='{x:.1}' y='{y}' width='{width:.1}' height='22' fill='{}'><title>{}</title></rect>",
                    colour(part),
                    entry.name,
                );
                x += width;
            }
        }
        for (part, entry) in self.parts.iter().enumerate() {
            let y = 190 + 20 * part;
            let _ = writeln!(
                svg,
                "<rect x='20' y='{}' width='12' height='12' fill='{}'/><text x='40' y='{}'>{}: {} multiplications, {} lookups, {} folds</text>",
                y - 10,
                colour(part),
                y,
                entry.name,
                entry.gates,
                entry.lookups,
                entry.linear_combinations,
            );
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// Returns a colour that differs from its neighbours': each hue is a golden angle from the one
/// before.
fn colour(index: usize) -> String {
    format!("hsl({}, 55%, {}%)", index * 137 % 360, 50 + index % 3 * 10)
}

/// A cell of any column took 3.3 to 3.5 microseconds on two cores in circuits of 2^12 to 2^16 rows
/// (docs/benchmarks.md).
const SECONDS_PER_CELL: f64 = 6.8e-6;
const WIDTH: f64 = 960.0;
const LEFT: f64 = 220.0;
const BAR: f64 = 720.0;
