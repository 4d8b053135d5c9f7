//! The hero and the friend of a story.

use super::{
    rng::Rng,
    world::{ANIMALS, Animal, BOYS, GIRLS, TRAITS},
};

/// A character: a name, a kind and a manner.
#[derive(Debug)]
pub(super) struct Character {
    pub(super) name: &'static str,
    pub(super) animal: &'static Animal,
    pub(super) manner: &'static str,
    female: bool,
}

impl Character {
    fn draw(rng: &mut Rng) -> Self {
        let female = rng.chance(50);
        Self {
            name: rng.pick(if female { &GIRLS } else { &BOYS }),
            animal: &ANIMALS[rng.below(ANIMALS.len())],
            manner: rng.pick(&TRAITS),
            female,
        }
    }

    /// Draws two characters of different names and kinds.
    pub(super) fn pair(rng: &mut Rng) -> (Self, Self) {
        let hero = Self::draw(rng);
        loop {
            let friend = Self::draw(rng);
            if friend.name != hero.name && friend.animal.name != hero.animal.name {
                return (hero, friend);
            }
        }
    }

    /// Returns a name such as "Mila the fox".
    pub(super) fn title(&self) -> String {
        format!("{} the {}", self.name, self.animal.name)
    }

    pub(super) const fn he(&self) -> &'static str {
        if self.female { "she" } else { "he" }
    }

    pub(super) const fn subject(&self) -> &'static str {
        if self.female { "She" } else { "He" }
    }

    pub(super) const fn his(&self) -> &'static str {
        if self.female { "her" } else { "his" }
    }

    pub(super) const fn him(&self) -> &'static str {
        if self.female { "her" } else { "him" }
    }
}
