use core::time::Duration;

use serde_json::json;

use crate::replayer::{Replay, Run};

/// Formats one seed as a line, with what went wrong below it.
pub(crate) fn replay(replay: &Replay) -> String {
    let Replay { case, first, second } = replay;
    let Run { report, chain, apart, transactions, answers } = first;
    let mut text = format!(
        "seed {:>5}  {:>2} validators  {:>3} crashes, {:>3} broken disks  {:>4} blocks, \
         {transactions:>4} transactions, {answers:>3} answers  {}\n",
        case.seed,
        case.nodes,
        report.crashes,
        report.refused,
        chain.len(),
        report.hash
    );
    for violation in &report.violations {
        text += &format!("            {violation}\n");
    }
    if !apart.is_empty() {
        text += &format!("            validators with other blocks: {apart:?}\n");
    }
    if !replay.is_equal() {
        text += &format!("            the second run differs: {}\n", second.report.hash);
    }
    text
}

/// Formats the totals as text.
pub(crate) fn text(replays: &[Replay], elapsed: Duration) -> String {
    let sum =
        |count: fn(&Run) -> usize| replays.iter().map(|replay| count(&replay.first)).sum::<usize>();
    let lines = [
        ("seeds, each twice", replays.len()),
        ("unequal", replays.iter().filter(|replay| !replay.is_equal()).count()),
        ("violations", sum(|run| run.report.violations.len() + run.apart.len())),
        ("blocks", sum(|run| run.chain.len())),
        ("transactions", sum(|run| run.transactions)),
        ("answers of the model", sum(|run| run.answers)),
    ];
    let lines = lines.map(|(name, value)| format!("{name:<22}{value}\n")).concat();
    format!("\n{lines}{:<22}{:.1} s\n", "time", elapsed.as_secs_f64())
}

/// Formats all seeds as one JSON object.
pub(crate) fn json(replays: &[Replay], elapsed: Duration) -> String {
    let seeds = replays.iter().map(|replay| {
        let Run { report, chain, apart, transactions, answers } = &replay.first;
        json!({
            "seed": replay.case.seed,
            "validators": replay.case.nodes,
            "hash": report.hash,
            "equal": replay.is_equal(),
            "violations": report.violations.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "apart": apart,
            "blocks": chain.len(),
            "last_block": chain.last(),
            "transactions": transactions,
            "answers": answers,
            "crashes": report.crashes,
            "refused_disks": report.refused,
        })
    });
    let value = json!({ "seeds": seeds.collect::<Vec<_>>(), "seconds": elapsed.as_secs_f64() });
    format!("{value:#}\n")
}
