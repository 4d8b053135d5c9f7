use core::{fmt::Write, time::Duration};

use quorum::{
    crash_test::{CrashTestReport, Restart},
    demo::{DemoReport, Entry},
};
use serde_json::json;

/// Formats an entry of the timeline as a line.
pub(crate) fn entry(entry: &Entry) -> String {
    let Entry { at_ms, who, what } = entry;
    format!("{:>4}.{:03} s  {who:<15} {what}\n", at_ms / 1_000, at_ms % 1_000)
}

/// Formats the figures of the demo as text.
pub(crate) fn demo_text(report: &DemoReport) -> String {
    let lines = report.summary.iter().map(|(name, value)| format!("{name:<22}{value}\n"));
    format!("\n{}", lines.collect::<String>())
}

/// Formats timeline and figures of the demo as one JSON object.
pub(crate) fn demo_json(report: &DemoReport) -> String {
    format!("{:#}\n", json!({ "timeline": report.timeline, "summary": report.summary }))
}

/// Formats the restart of a validator as a line.
pub(crate) fn restart(round: u64, restart: &Restart) -> String {
    let Restart { node, acknowledged, found, replayed, cut_bytes, ready, caught_up } = restart;
    let torn = if *cut_bytes > 0 { format!(", cut {cut_bytes} torn bytes") } else { String::new() };
    format!(
        "round {:>3}  validator {node}  acknowledged {acknowledged:>5}, found {found:>5}, \
         replayed {replayed:>3}  ready in {:>5} ms, caught up in {:>6} ms{torn}\n",
        round + 1,
        ready.as_millis(),
        caught_up.as_millis()
    )
}

/// Formats the outcome of a crash test as text.
pub(crate) fn crash_test_text(report: &CrashTestReport) -> String {
    let mut text = String::new();
    let (ready, caught_up) = times(report);
    let mut line = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<22}{value}");
    };
    let blackouts = report.blackouts;
    line("restarts", format!("{} (all at once {blackouts} times)", report.restarts.len()));
    line("blocks", format!("{}, with {} questions to the model", report.height, report.ai_blocks));
    line("forks", "0".into());
    line("lost final blocks", "0".into());
    line("state ready again", percentiles(&ready));
    line("caught up again", percentiles(&caught_up));
    for (index, audited) in report.audited.iter().enumerate() {
        let (height, root) = (audited.height, audited.state_root);
        line(&format!("journal of validator {index}"), format!(" block {height}, state {root}"));
    }
    line("time", format!("{:.1} s", report.elapsed.as_secs_f64()));
    text
}

/// Formats the outcome of a crash test as one JSON object.
pub(crate) fn crash_test_json(report: &CrashTestReport) -> String {
    let (ready, caught_up) = times(report);
    let figures = |times: &[Duration]| {
        json!({
            "p50_ms": percentile(times, 50).as_millis() as u64,
            "max_ms": percentile(times, 100).as_millis() as u64,
        })
    };
    let value = json!({
        "restarts": report.restarts.len(),
        "blackouts": report.blackouts,
        "blocks": report.height,
        "questions": report.ai_blocks,
        "forks": 0,
        "lost_blocks": 0,
        "ready": figures(&ready),
        "caught_up": figures(&caught_up),
        "torn_records": report.restarts.iter().filter(|restart| restart.cut_bytes > 0).count(),
        "journals": report.audited.iter().map(|audited| json!({
            "height": audited.height,
            "state_root": audited.state_root,
        })).collect::<Vec<_>>(),
        "seconds": report.elapsed.as_secs_f64(),
    });
    format!("{value:#}\n")
}

/// Returns the sorted times until validators were ready, and until they had caught up.
fn times(report: &CrashTestReport) -> (Vec<Duration>, Vec<Duration>) {
    let sorted = |time: fn(&Restart) -> Duration| {
        let mut times: Vec<_> = report.restarts.iter().map(time).collect();
        times.sort_unstable();
        times
    };
    (sorted(|restart| restart.ready), sorted(|restart| restart.caught_up))
}

fn percentiles(times: &[Duration]) -> String {
    let [median, high] = [50, 100].map(|percent| percentile(times, percent).as_millis());
    format!("{median} ms in the median, {high} ms at most")
}

/// Returns the smallest time that `percent` percent of `sorted` do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
