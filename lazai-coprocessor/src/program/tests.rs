use proptest::prelude::*;

use super::*;
use crate::architecture::{Architecture, Positions};

fn shape() -> LlamaShape {
    LlamaShape {
        vocabulary: 50,
        hidden: 32,
        intermediate: 48,
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        tied: true,
    }
}

fn program(layers: usize) -> Program {
    let layer = LayerScales { attention_norm: norm(), mlp_norm: norm(), ..LayerScales::default() };
    transformer(
        &shape().architecture(layers as u32, 64),
        &Scales {
            residual: 12,
            layers: vec![layer; layers],
            final_norm: norm(),
            logits: 8,
            ..Scales::default()
        },
    )
}

const fn norm() -> NormScales {
    NormScales { gain: 10, epsilon: 1, output: 10 }
}

#[test]
fn a_llama_passes_its_checks() {
    assert_eq!(program(3).check(), Ok(()));
}

#[test]
fn a_target_runs_only_what_it_needs() {
    let program = program(2);
    let names = |target| -> Vec<&str> {
        program.schedule(target).iter().map(|index| program.operators[*index].name()).collect()
    };
    let (logits, embedding) = (names(Target::Logits), names(Target::Embedding));
    assert!(logits.contains(&"LastRows") && !logits.contains(&"MeanPool"));
    assert!(embedding.contains(&"MeanPool") && !embedding.contains(&"LastRows"));
    assert_eq!(logits.iter().filter(|name| **name == "CacheAppend").count(), 2);
    let none = Program { logits: None, ..program.clone() };
    assert!(none.schedule(Target::Logits).is_empty());
}

#[test]
fn the_work_of_a_layer_is_that_of_its_matrices() {
    let (one, two) = (program(1), program(2));
    let rule = |program| WorkRule::new(program, Target::Logits).unwrap();
    let layer = rule(&two).per_token - rule(&one).per_token;
    let matrices = 2 * (32 * 32 + 2 * 32 * 16 + 32 * 32 + 3 * 32 * 48);
    let small = 2 * 6 * 32 + 3 * (32 + 16) + 2 * (16 + 16) + 32 + 2 * 32 + 4 * 48;
    assert_eq!(layer, matrices + small);
    assert_eq!(rule(&two).per_pair, 2 * 4 * (4 * 8 + 4));
    assert_eq!(rule(&two).per_output, 6 * 32 + 2 * 32 * 50);
    assert_eq!(
        rule(&two).flops(3, 1).unwrap(),
        3 * rule(&two).per_token + 6 * rule(&two).per_pair + rule(&two).per_output
    );
    assert!(rule(&two).flops(u64::MAX, 1).is_err());
}

#[test]
fn positions_may_be_the_sum_of_two_tables() {
    let architecture =
        Architecture { positions: Positions::Learned, ..shape().architecture(1, 64) };
    let program = |fine_positions| {
        let layer =
            LayerScales { attention_norm: norm(), mlp_norm: norm(), ..LayerScales::default() };
        let scales = Scales {
            residual: 12,
            fine_positions,
            layers: vec![layer],
            final_norm: norm(),
            logits: 8,
            ..Scales::default()
        };
        transformer(&architecture, &scales)
    };
    let (one, two) = (program(false), program(true));
    assert_eq!((one.check(), two.check()), (Ok(()), Ok(())));
    let tables = |program: &Program| -> Vec<String> {
        let table = |operator: &Operator| match operator {
            Operator::AddPositions { table, .. } => Some(table.clone()),
            _ => None,
        };
        program.operators.iter().filter_map(table).collect()
    };
    assert_eq!(tables(&one), ["positions"]);
    assert_eq!(tables(&two), ["positions", "positions.rest"]);
    let per_token = |program: &Program| WorkRule::new(program, Target::Logits).unwrap().per_token;
    assert_eq!(per_token(&two) - per_token(&one), 2 * 32);
}

/// No two values share a byte while both are needed.
fn assert_plan_is_sound(program: &Program, target: Target, rows: Rows) {
    let plan = Plan::new(program, target, rows).unwrap();
    let mut live: Vec<(ValueId, u64, u64, usize)> = Vec::new();
    for (step, index) in plan.schedule.iter().enumerate() {
        let operator = &program.operators[*index];
        let Some(id) = operator.writes().filter(|_| !operator.in_place()) else { continue };
        let value = program.values[id.index()];
        let start = plan.offsets[id.index()].unwrap();
        let end = start + rows.of(value.rows) * u64::from(value.width) * value.format.bytes();
        assert!(end <= plan.arena_bytes, "value {id:?} ends behind the arena");
        assert_eq!(start % 64, 0);
        let last = plan.schedule[step..]
            .iter()
            .enumerate()
            .filter(|(_, later)| program.operators[**later].reads().any(|read| read == id))
            .map(|(offset, _)| step + offset)
            .next_back();
        let last =
            if program.output(target) == Some(id) { usize::MAX } else { last.unwrap_or(step) };
        for (other, other_start, other_end, other_last) in &live {
            let together = *other_last >= step && end > start && other_end > other_start;
            let apart = end <= *other_start || *other_end <= start;
            assert!(!together || apart, "values {id:?} and {other:?} overlap at step {step}");
        }
        live.push((id, start, end, last));
    }
}

proptest! {
    #[test]
    fn plans_keep_living_values_apart(
        layers in 0_usize..5, tokens in 0_u64..300, outputs in 0_u64..4,
    ) {
        let program = program(layers);
        for target in [Target::Logits, Target::Embedding] {
            let sequences = outputs.min(1);
            assert_plan_is_sound(&program, target, Rows { tokens, outputs, sequences });
        }
    }

    #[test]
    fn more_tokens_never_need_less(tokens in 1_u64..300, more in 1_u64..300) {
        let program = program(2);
        let bytes = |tokens| {
            let rows = Rows { tokens, outputs: 1, sequences: 1 };
            Plan::new(&program, Target::Logits, rows).unwrap().arena_bytes
        };
        prop_assert!(bytes(tokens) <= bytes(tokens + more));
    }

    /// Any change of an operand, a width, a format or a scale is either refused or still a program
    /// that plans.
    #[test]
    fn altered_programs_are_refused_or_still_plan(
        value in 0_usize..40, width in 0_u32..70, bits in any::<i8>(), operator in 0_usize..40,
        id in 0_u32..60,
    ) {
        let mut program = program(2);
        let index = value % program.values.len();
        program.values[index].width = width;
        program.values[index].bits = bits;
        let index = operator % program.operators.len();
        match &mut program.operators[index] {
            Operator::MatMul { input, .. } | Operator::MatMulAdd { input, .. } => {
                *input = ValueId(id);
            }
            Operator::RmsNorm { output, .. } | Operator::Gather { output, .. } => {
                *output = ValueId(id);
            }
            Operator::Attention { cache, .. } => *cache = CacheId(id),
            Operator::Rope { head_dim, .. } => *head_dim = id,
            _ => {}
        }
        if program.check().is_ok() {
            let rows = Rows { tokens: 3, outputs: 1, sequences: 1 };
            Plan::new(&program, Target::Logits, rows).unwrap();
            WorkRule::new(&program, Target::Logits).unwrap();
        }
    }
}

#[test]
fn wrong_programs_are_refused_by_name() {
    let base = program(1);
    let refuse = |change: &dyn Fn(&mut Program)| {
        let mut program = base.clone();
        change(&mut program);
        program.check().unwrap_err()
    };
    assert!(matches!(
        refuse(&|program| program.values[1].width = 0),
        ProgramError::Limit { what: "the width of a value", got: 0, .. }
    ));
    assert!(matches!(
        refuse(&|program| program.operators.swap(0, 1)),
        ProgramError::Operand { problem: "is read before it is written", .. }
    ));
    assert!(matches!(
        refuse(&|program| program.operators[0] = program.operators[3].clone()),
        ProgramError::Operand { .. }
    ));
    assert!(matches!(
        refuse(&|program| program.caches[0].head_dim = 7),
        ProgramError::Limit { .. }
    ));
    assert!(matches!(
        refuse(&|program| program.caches[0].value_bits = 3),
        ProgramError::Mismatch { what: "the fraction bits", .. }
    ));
    assert!(matches!(
        refuse(&|program| program.logits = Some(ValueId(0))),
        ProgramError::Output { output: "logits", .. }
    ));
    assert!(matches!(
        refuse(&|program| program.values = vec![program.values[0]; 70_000]),
        ProgramError::Limit { what: "the number of values", got: 70_000, .. }
    ));
    // Keys of -128 and queries of -2^15 would sum to 2^31.
    assert!(matches!(
        refuse(&|program| program.caches[0].head_dim = 512),
        ProgramError::Limit { what: "the width of a head", got: 512, max: 256, .. }
    ));
}

/// Reads rows of 4 numbers, multiplies, clamps, multiplies.
fn tensor_program() -> Program {
    let value = |rows, width, format| Value { rows, width, format, bits: 10 };
    let (tokens, [input, hidden, clamped, product, output]) =
        (RowCount::Tokens, [0, 1, 2, 3, 4].map(ValueId));
    let weight = |name: &str| name.to_owned();
    Program {
        values: vec![
            value(tokens, 4, Format::I16),
            value(tokens, 8, Format::I16),
            value(tokens, 8, Format::I16),
            value(tokens, 3, Format::I32),
            value(RowCount::Outputs, 3, Format::I32),
        ],
        operators: vec![
            Operator::Input { output: input },
            Operator::MatMul { input, weight: weight("0"), output: hidden },
            Operator::Relu { input: hidden, output: clamped },
            Operator::MatMul { input: clamped, weight: weight("1"), output: product },
            Operator::LastRows { input: product, output },
        ],
        logits: Some(output),
        ..Program::default()
    }
}

/// A token that is decoded alone pays for every weight that its step reads.
#[test]
fn a_step_pays_for_its_weights_and_operators_whatever_its_tokens() {
    let (one, two) = (program(1), program(2));
    let rule = |program| WorkRule::new(program, Target::Logits).unwrap();
    let operators = |program: &Program| program.schedule(Target::Logits).len() as u64;
    let weights = 32 * 32 + 2 * 32 * 16 + 32 * 32 + 3 * 32 * 48;
    // Each row has a byte of exponents.
    let rows = 32 + 2 * 16 + 32 + 2 * 48 + 32;
    let more = operators(&two) - operators(&one);
    let layer = 4 * (weights + rows) + 2_000 * rows + 50_000 * more;
    assert_eq!(rule(&two).time_per_step - rule(&one).time_per_step, layer);
    assert_eq!(rule(&two).time_per_token - rule(&one).time_per_token, 5_000 * more);
    assert_eq!(rule(&two).time_per_pair, 2 * 4 * 400);
    let rule = rule(&one);
    // The head; the norm before it and the choice of the last rows.
    assert_eq!(rule.time_per_ending_step, 4 * (32 * 50 + 50) + 2_000 * 50 + 3 * 50_000);
    let expected = 7 * rule.time_per_token
        + 28 * rule.time_per_pair
        + 5 * rule.time_per_step
        + 2 * rule.time_per_ending_step;
    assert_eq!(rule.time_flops(7, 5, 2), Ok(expected));
    assert_eq!(rule.time_flops(0, u64::MAX, 0), Err(lazai_api_types::WorkOverflow));
}

#[test]
fn a_program_may_read_a_tensor_instead_of_tokens() {
    let program = tensor_program();
    assert_eq!(program.check(), Ok(()));
    assert_eq!(program.input(), Some(ValueId(0)));
    assert_eq!(self::program(1).input(), None);
    assert_eq!(program.schedule(Target::Logits), [0, 1, 2, 3, 4]);
    let rule = WorkRule::new(&program, Target::Logits).unwrap();
    assert_eq!(rule.per_token, 2 * 4 * 8 + 2 * 8 + 2 * 8 * 3);
    assert_plan_is_sound(&program, Target::Logits, Rows { tokens: 5, outputs: 5, sequences: 1 });

    let refuse = |change: &dyn Fn(&mut Program)| {
        let mut program = program.clone();
        change(&mut program);
        program.check().unwrap_err()
    };
    assert!(matches!(
        refuse(&|program| program.operators[0] = Operator::Input { output: ValueId(4) }),
        ProgramError::Mismatch { what: "the rows", .. }
    ));
    assert!(matches!(
        refuse(&|program| program.operators.push(program.operators[0].clone())),
        ProgramError::Limit { what: "the number of inputs", got: 2, .. }
    ));
    assert!(matches!(
        refuse(&|program| {
            let (table, output) = ("table".to_owned(), ValueId(3));
            program.operators[3] = Operator::Gather { table, output };
        }),
        ProgramError::Limit { what: "the readers of tokens beside an input", .. }
    ));
    assert!(matches!(
        refuse(&|program| program.values[2].format = Format::I32),
        ProgramError::Mismatch { operator: "Relu", what: "the output", expected: 16, got: 32, .. }
    ));
}

#[test]
fn an_operand_given_twice_is_refused() {
    let base = program(1);
    for name in ["CacheAppend", "GatedSilu"] {
        let mut program = base.clone();
        let operator = program.operators.iter_mut().find(|operator| operator.name() == name);
        match operator.unwrap() {
            Operator::CacheAppend { key, value, .. } => *key = *value,
            Operator::GatedSilu { gate, up, .. } => *gate = *up,
            _ => unreachable!(),
        }
        let error = program.check().unwrap_err();
        assert!(
            matches!(error, ProgramError::Operand { problem: "is given twice", .. }),
            "{name}: {error}"
        );
    }
}

#[test]
fn every_operator_is_named() {
    // An unknown one is refused with the list of all that there are.
    let error = serde_json::from_str::<Operator>(r#"{"operator": "?"}"#).unwrap_err().to_string();
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    let name = |variant: &str| variant.split('_').map(capital).collect::<String>();
    let names: Vec<_> = error.split('`').skip(3).step_by(2).map(name).collect();
    assert_eq!(names, Operator::NAMES);
}
