//! Questions whose answers hold in every story.

use super::{
    exchange::Exchange,
    rng::Rng,
    world::{ANIMALS, Animal, DAYS, LORE, NUMBERS, OPPOSITES, SEASONS, a},
};

/// Draws a question about the world.
pub(super) fn fact(rng: &mut Rng) -> Exchange {
    match rng.below(20) {
        0..12 => {
            let animal = &ANIMALS[rng.below(ANIMALS.len())];
            about(rng, animal)
        }
        12..15 => {
            let (question, answer) = rng.pick(&LORE);
            Exchange::new(question, answer)
        }
        15..17 => sum(rng),
        17 => opposite(rng),
        18 => following(rng, &DAYS, "day"),
        _ => following(rng, &SEASONS, "season"),
    }
}

/// Draws a question about a kind of animal.
pub(super) fn about(rng: &mut Rng, animal: &Animal) -> Exchange {
    let Animal { name, color, food, home, sound, hobby } = animal;
    let one = a(name);
    match rng.below(16) {
        0..3 => Exchange::new(
            rng.pick(&[
                format!("What does the {name} eat?").as_str(),
                format!("What does {one} eat?").as_str(),
                format!("What do you feed {one}?").as_str(),
            ]),
            format!("The {name} eats {food}."),
        ),
        3..6 => Exchange::new(
            rng.pick(&[
                format!("Where does the {name} live?").as_str(),
                format!("Where does {one} live?").as_str(),
                format!("Where is the home of the {name}?").as_str(),
            ]),
            format!("The {name} lives {home}."),
        ),
        6..8 => {
            Exchange::new(format!("What color is the {name}?"), format!("The {name} is {color}."))
        }
        8..10 => Exchange::new(format!("Who eats {food}?"), format!("The {name} eats {food}.")),
        10 => Exchange::new(
            format!("What sound does the {name} make?"),
            format!("The {name} {sound}."),
        ),
        11 => Exchange::new(
            format!("What does the {name} like to do?"),
            format!("The {name} likes to {hobby}."),
        ),
        12 => Exchange::new(
            format!("What do you know about the {name}?"),
            format!("The {name} is {color}. It lives {home} and eats {food}."),
        ),
        13 => Exchange::new(format!("Who lives {home}?"), format!("The {name} lives {home}.")),
        _ => {
            let guess = ANIMALS[rng.below(ANIMALS.len())].food;
            let guess = if rng.chance(50) { food } else { guess };
            let verdict = if guess == *food { "Yes" } else { "No" };
            Exchange::new(
                format!("Does the {name} eat {guess}?"),
                format!("{verdict}, the {name} eats {food}."),
            )
        }
    }
}

fn sum(rng: &mut Rng) -> Exchange {
    let (left, right) = (rng.below(11), rng.below(11));
    let (left_name, right_name) = (NUMBERS[left], NUMBERS[right]);
    let mut answer = format!("{left_name} plus {right_name} is {}.", NUMBERS[left + right]);
    answer[..1].make_ascii_uppercase();
    Exchange::new(format!("What is {left_name} plus {right_name}?"), answer)
}

fn opposite(rng: &mut Rng) -> Exchange {
    let (mut word, mut other) = rng.pick(&OPPOSITES);
    if rng.chance(50) {
        (word, other) = (other, word);
    }
    Exchange::new(
        format!("What is the opposite of {word}?"),
        format!("The opposite of {word} is {other}."),
    )
}

fn following(rng: &mut Rng, cycle: &[&str], kind: &str) -> Exchange {
    let place = rng.below(cycle.len());
    let (this, next) = (cycle[place], cycle[(place + 1) % cycle.len()]);
    let mut answer = format!("{next} comes after {this}.");
    answer[..1].make_ascii_uppercase();
    Exchange::new(format!("Which {kind} comes after {this}?"), answer)
}
