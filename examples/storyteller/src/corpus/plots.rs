//! What happens between the hero and the friend: one cause, one action, one effect.

use super::{
    cast::Character,
    rng::Rng,
    story::Story,
    world::{COLORS, GLAD, SPOTS, TOYS, a},
};

/// The kind of trouble or joy that a story turns on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Plot {
    Birthday,
    Broken,
    Fear,
    Hunger,
    Lost,
    Race,
    Storm,
    Work,
}

impl Plot {
    pub(super) fn draw(rng: &mut Rng) -> Self {
        rng.pick(&[
            Self::Birthday,
            Self::Broken,
            Self::Fear,
            Self::Hunger,
            Self::Lost,
            Self::Lost,
            Self::Race,
            Self::Storm,
            Self::Work,
        ])
    }
}

/// Tells the middle of a story.
pub(super) fn unfold(
    plot: Plot,
    rng: &mut Rng,
    story: &mut Story,
    hero: &Character,
    friend: &Character,
) {
    match plot {
        Plot::Birthday => birthday(rng, story, hero, friend),
        Plot::Broken => broken(rng, story, hero, friend),
        Plot::Fear => fear(rng, story, hero, friend),
        Plot::Hunger => hunger(rng, story, hero, friend),
        Plot::Lost => lost(rng, story, hero, friend),
        Plot::Race => race(rng, story, hero, friend),
        Plot::Storm => storm(rng, story, hero, friend),
        Plot::Work => work(rng, story, hero, friend),
    }
}

fn lost(rng: &mut Rng, story: &mut Story, hero: &Character, friend: &Character) {
    let (name, other) = (hero.name, friend.name);
    let color = rng.pick(&COLORS);
    let toy = rng.pick(&TOYS);
    let sad = rng.pick(&["sad", "worried", "upset"]);
    trouble(story, friend, sad, &format!("had lost {} {color} {toy}", friend.his()));
    story.say(
        &rng.pick(&["They looked everywhere.", "\"I will help you,\" said NAME."])
            .replace("NAME", name),
    );
    let wrong = rng.pick(&SPOTS);
    let right = rng.pick(&SPOTS);
    if wrong != right && rng.chance(60) {
        story.say(&format!("The {toy} was not {wrong}."));
    }
    story.say(&format!("At last {name} found the {toy} {right}."));
    story.ask(
        format!("What did {other} lose?"),
        format!("{other} lost {} {color} {toy}.", friend.his()),
    );
    story.ask(format!("Where was the {toy}?"), format!("The {toy} was {right}."));
    story.ask(format!("Who found the {toy}?"), format!("{name} found the {toy}."));
    story.ask(format!("What color was the {toy}?"), format!("The {toy} was {color}."));
    thanks(rng, story, hero, friend);
}

fn hunger(rng: &mut Rng, story: &mut Story, hero: &Character, friend: &Character) {
    let (name, other, food) = (hero.name, friend.name, friend.animal.food);
    let cause = rng.pick(&[
        "had not eaten all day",
        "had left the food at home",
        "could not find any food",
        "had dropped the basket in the river",
    ]);
    trouble(story, friend, "hungry", cause);
    let vessel = rng.pick(&["a bag of", "a basket of", "a bowl of", "some"]);
    story.say(&format!("{name} gave {} {vessel} {food}.", friend.him()));
    story.ask(
        format!("What did {name} give {other}?"),
        format!("{name} gave {other} {vessel} {food}."),
    );
    story.ask(format!("What did {other} eat?"), format!("{other} ate {vessel} {food}."));
    story.say(&format!("{other} ate until {} was full.", friend.he()));
    thanks(rng, story, hero, friend);
}

fn storm(rng: &mut Rng, story: &mut Story, hero: &Character, friend: &Character) {
    let (name, other) = (hero.name, friend.name);
    let shelter = rng.pick(&["a cave", "a barn", "an old hut", "a big tree", "a tent", "the mill"]);
    let sign = rng.pick(&["thunder", "a loud crack", "a strong wind", "heavy rain"]);
    story.say(&format!("Suddenly there was {sign} and the sky became dark."));
    story.say(&format!("{name} and {other} hid in {shelter}."));
    let pastime =
        rng.pick(&["sang songs", "told jokes", "played cards", "counted to ten", "drank hot tea"]);
    story.say(&format!("They {pastime} until the storm was over."));
    let after = rng.pick(&["a rainbow", "a bright star", "the warm sun", "a white cloud"]);
    story.say(&format!("Then they saw {after} in the sky."));
    story.ask("Where did they hide?", format!("They hid in {shelter}."));
    story.ask("What did they do in the storm?", format!("They {pastime}."));
    story.ask("What did they see in the sky?", format!("They saw {after} in the sky."));
    story.ask("Why did they hide?", "They hid because of the storm.");
    story.ask("Why did the sky become dark?", "The sky became dark because a storm came.");
}

fn race(rng: &mut Rng, story: &mut Story, hero: &Character, friend: &Character) {
    let goal =
        rng.pick(&["the big rock", "the old oak", "the white fence", "the church", "the well"]);
    let (winner, loser) = if rng.chance(50) { (hero, friend) } else { (friend, hero) };
    let slip = rng.pick(&[
        "stopped to rest",
        "fell over a root",
        "took the wrong path",
        "stopped to smell a flower",
        "lost a shoe",
    ]);
    story.say(&format!("\"Let us race to {goal},\" said {}.", friend.name));
    story.say(&format!("{} {slip}, so {} won the race.", loser.name, winner.name));
    let prize = rng.pick(&["a medal", "a cake", "a golden cup", "a crown of flowers"]);
    story.say(&format!("{} got {prize} and shared the joy with {}.", winner.name, loser.name));
    story.ask("Who won the race?", format!("{} won the race.", winner.name));
    story.ask("Who lost the race?", format!("{} lost the race.", loser.name));
    story.ask(
        format!("Why did {} win?", winner.name),
        format!("{} won because {} {slip}.", winner.name, loser.name),
    );
    story.ask("Where did they race to?", format!("They raced to {goal}."));
    story.ask(format!("What did {} get?", winner.name), format!("{} got {prize}.", winner.name));
}

fn birthday(rng: &mut Rng, story: &mut Story, hero: &Character, friend: &Character) {
    let (name, other) = (hero.name, friend.name);
    let color = rng.pick(&COLORS);
    let toy = rng.pick(&TOYS);
    let cake = rng.pick(&["a big cake", "a small pie", "a sweet bun", "a warm soup"]);
    story.say(&format!("It was the birthday of {other}."));
    story.say(&format!(
        "{name} made {cake} and gave {} {}.",
        friend.him(),
        a(&format!("{color} {toy}"))
    ));
    let glad = rng.pick(&GLAD);
    story.say(&format!("{other} was so {glad} that {} danced.", friend.he()));
    story.ask("Whose birthday was it?", format!("It was the birthday of {other}."));
    story.ask(
        format!("What did {name} give {other}?"),
        format!("{name} gave {other} {}.", a(&format!("{color} {toy}"))),
    );
    story.ask(format!("What did {name} make?"), format!("{name} made {cake}."));
    story.ask(format!("How did {other} feel?"), format!("{other} felt {glad}."));
    story.ask(
        format!("Why did {other} dance?"),
        format!("{other} danced because {} was {glad}.", friend.he()),
    );
}

fn broken(rng: &mut Rng, story: &mut Story, hero: &Character, friend: &Character) {
    let name = hero.name;
    let thing = rng.pick(&["cart", "boat", "chair", "fence", "lamp", "bed", "window", "wheel"]);
    let tool = rng.pick(&["a rope", "some glue", "a hammer", "two nails", "a piece of wood"]);
    let sad = rng.pick(&["sad", "angry", "upset"]);
    trouble(story, friend, sad, &format!("had broken {} {thing}", friend.his()));
    story.say(&format!("{name} brought {tool} and fixed the {thing}."));
    story.ask("What was broken?", format!("The {thing} was broken."));
    story.ask(
        format!("How did {name} fix the {thing}?"),
        format!("{name} fixed the {thing} with {tool}."),
    );
    story.ask(format!("Who fixed the {thing}?"), format!("{name} fixed the {thing}."));
    story.ask(format!("What did {name} bring?"), format!("{name} brought {tool}."));
    thanks(rng, story, hero, friend);
}

fn fear(rng: &mut Rng, story: &mut Story, hero: &Character, friend: &Character) {
    let (name, other) = (hero.name, friend.name);
    let dread = rng.pick(&[
        "the dark",
        "deep water",
        "the thunder",
        "high places",
        "loud noises",
        "a shadow",
    ]);
    let help = rng.pick(&[
        "gave LIGHT a lantern",
        "held on to LIGHT",
        "sang a song for LIGHT",
        "told LIGHT a joke",
    ]);
    let (told, asked) = (help.replace("LIGHT", friend.him()), help.replace("LIGHT", other));
    story.say(&format!("{other} was afraid of {dread}."));
    story.say(&format!("\"Do not be afraid,\" said {name} and {told}."));
    story.say(&format!("Then {other} felt brave."));
    story.ask(format!("What was {other} afraid of?"), format!("{other} was afraid of {dread}."));
    story.ask(format!("How did {name} help {other}?"), format!("{name} {asked}."));
    story.ask(format!("How did {other} feel at the end?"), format!("{other} felt brave."));
    story.ask(format!("Who was afraid of {dread}?"), format!("{other} was afraid of {dread}."));
}

fn work(rng: &mut Rng, story: &mut Story, hero: &Character, friend: &Character) {
    let (name, other) = (hero.name, friend.name);
    let thing =
        rng.pick(&["a bridge", "a tower", "a raft", "a swing", "a little house", "a snowman"]);
    let part = rng.pick(&["wood", "stones", "sand", "branches", "rope", "snow"]);
    let long = rng.pick(&[
        "all day",
        "for two hours",
        "until noon",
        "until the evening",
        "for three days",
    ]);
    story.say(&format!("{other} wanted to build {thing}."));
    story.say(&format!("{name} carried the {part} and {other} did the rest."));
    story.say(&format!("They worked {long}."));
    let glad = rng.pick(&GLAD);
    story.say(&format!("When it was done, they were tired but {glad}."));
    story.ask("What did they build?", format!("They built {thing}."));
    story.ask(format!("What did {name} carry?"), format!("{name} carried the {part}."));
    story.ask("How long did they work?", format!("They worked {long}."));
    story.ask("How did they feel?", format!("They felt tired but {glad}."));
    story.ask(format!("What did {other} want?"), format!("{other} wanted to build {thing}."));
}

/// Says how the friend felt and why, and asks for both.
fn trouble(story: &mut Story, friend: &Character, mood: &str, cause: &str) {
    let (other, he) = (friend.name, friend.he());
    story.say(&format!("{other} was {mood} because {he} {cause}."));
    story.ask(
        format!("Why was {other} {mood}?"),
        format!("{other} was {mood} because {he} {cause}."),
    );
    story.ask(format!("Who was {mood}?"), format!("{other} was {mood}."));
}

/// Lets the friend give thanks.
fn thanks(rng: &mut Rng, story: &mut Story, hero: &Character, friend: &Character) {
    let (name, other) = (hero.name, friend.name);
    let glad = rng.pick(&GLAD);
    match rng.below(3) {
        0 => story
            .say(&format!("\"Thank you, {name},\" said {other}. {} was {glad}.", friend.subject())),
        1 => story.say(&format!("{other} was {glad} and said thank you.")),
        _ => story.say(&format!("Now {other} was {glad}.")),
    }
    story.ask(format!("How did {other} feel at the end?"), format!("{other} felt {glad}."));
    story.ask(format!("Who helped {other}?"), format!("{name} helped {other}."));
}
