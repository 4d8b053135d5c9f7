//! Random systems of small variables whose solutions can be counted: no domain may lose one.

use halo2_proofs::halo2curves::bn256::Fr;
use lazai_determinism::{Question, Verdict};
use proptest::prelude::*;

use super::toy::Toy;

const VARIABLES: usize = 3;
const VALUES: u64 = 8;

/// `x + y * z`, which is what it is for the witness.
type Gate = [Operand; 3];

#[derive(Clone, Copy, Debug)]
enum Operand {
    Constant(i64),
    Variable(usize),
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![
        2 => (-3_i64..4).prop_map(Operand::Constant),
        3 => (0..VARIABLES).prop_map(Operand::Variable),
    ]
}

fn gates() -> impl Strategy<Value = Vec<Gate>> {
    prop::collection::vec([operand(), operand(), operand()], 1..5)
}

fn field(value: i64) -> Fr {
    let size = Fr::from(value.unsigned_abs());
    if value < 0 { -size } else { size }
}

fn evaluate(gate: Gate, values: &[u64]) -> i64 {
    let [a, b, c] = gate.map(|operand| match operand {
        Operand::Constant(value) => value,
        Operand::Variable(index) => values[index] as i64,
    });
    a + b * c
}

fn toy(gates: &[Gate], witness: &[u64]) -> (Toy, Vec<usize>) {
    let mut toy = Toy { table: (0..VALUES).map(|small| (0, small)).collect(), ..Toy::default() };
    let (zero, one) = (toy.constant(Fr::from(0)), toy.constant(Fr::from(1)));
    let variables: Vec<usize> = witness.iter().map(|value| toy.cell(Fr::from(*value))).collect();
    for variable in &variables {
        toy.lookups.push((0, *variable));
        // So that each has a place in a gate.
        toy.sum(zero, *variable, one);
    }
    for gate in gates {
        let [a, b, c] = gate.map(|operand| match operand {
            Operand::Constant(value) => toy.constant(field(value)),
            Operand::Variable(index) => variables[index],
        });
        let result = toy.constant(field(evaluate(*gate, witness)));
        toy.gates.push([a, b, c, result]);
    }
    (toy, variables)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_domain_loses_a_solution(
        gates in gates(),
        witness in prop::collection::vec(0..VALUES, VARIABLES),
    ) {
        let solutions: Vec<Vec<u64>> = (0..VALUES.pow(VARIABLES as u32))
            .map(|at| (0..VARIABLES as u32).map(|x| at / VALUES.pow(x) % VALUES).collect())
            .filter(|values: &Vec<u64>| {
                gates.iter().all(|gate| evaluate(*gate, values) == evaluate(*gate, &witness))
            })
            .collect();
        let (toy, variables) = toy(&gates, &witness);
        let (system, values) = toy.read();
        let question = Question::new(&system, &values);
        for depth in 0..3 {
            let domains = question.domains(depth).unwrap();
            for solution in &solutions {
                for (variable, value) in variables.iter().zip(solution) {
                    let variable = toy.variable(&system, *variable).unwrap();
                    prop_assert!(domains[variable as usize].contains(Fr::from(*value)));
                }
            }
        }
        match question.answer() {
            Verdict::Unique => prop_assert_eq!(solutions.len(), 1),
            Verdict::Second(_) => prop_assert!(solutions.len() > 1),
            Verdict::Open(_) => {}
            verdict => prop_assert!(false, "{:?}", verdict),
        }
    }
}
