//! The frame of a story: who, where, which weather; the plot; the end.

use super::{
    cast::Character,
    plots::{self, Plot},
    rng::Rng,
    story::Story,
    world::{PLACES, TIMES, WEATHERS, Weather, a},
};

impl Story {
    pub(super) fn tell(rng: &mut Rng) -> Self {
        let (hero, friend) = Character::pair(rng);
        let plot = Plot::draw(rng);
        let mut story = Self { request: String::new(), text: String::new(), questions: Vec::new() };
        story.request = request(rng, &hero, &friend);
        story.open(rng, &hero);
        let place = rng.pick(&PLACES);
        story.set_out(rng, &hero, place);
        story.meet(rng, &hero, &friend, place);
        plots::unfold(plot, rng, &mut story, &hero, &friend);
        story.close(rng, &hero, &friend);
        story
    }

    fn open(&mut self, rng: &mut Rng, hero: &Character) {
        let (name, animal, manner) = (hero.name, hero.animal, hero.manner);
        let kind = format!("{manner} {} {}", animal.color, animal.name);
        match rng.below(4) {
            0 => self.say(&format!("Once upon a time, there was {} named {name}.", a(&kind))),
            1 => self.say(&format!("Once there lived {} named {name}.", a(&kind))),
            2 => self.say(&format!("{name} was {}.", a(&kind))),
            _ => self.say(&format!("Long ago, {} named {name} lived {}.", a(&kind), animal.home)),
        }
        match rng.below(4) {
            0 => self.say(&format!("{} lived {}.", hero.subject(), animal.home)),
            1 => self.say(&format!("{} loved to eat {}.", hero.subject(), animal.food)),
            2 => self.say(&format!("{} liked to {}.", hero.subject(), animal.hobby)),
            _ => {}
        }
        self.ask(
            format!("What was the name of the {}?", animal.name),
            format!("The {} was named {name}.", animal.name),
        );
        self.ask(format!("Who was {name}?"), format!("{name} was {}.", a(&kind)));
        self.ask(
            format!("What kind of animal was {name}?"),
            format!("{name} was {}.", a(animal.name)),
        );
        self.ask(format!("Where did {name} live?"), format!("{name} lived {}.", animal.home));
        self.ask(format!("What color was {name}?"), format!("{name} was {}.", animal.color));
    }

    fn set_out(&mut self, rng: &mut Rng, hero: &Character, place: &str) {
        let name = hero.name;
        let weather = &WEATHERS[rng.below(WEATHERS.len())];
        let Weather { name: sky, reason, take } = weather;
        let time = rng.pick(&TIMES);
        let verb = rng.pick(&["went", "walked", "ran"]);
        self.say(&format!("One {sky} {time}, {name} {verb} to the {place}."));
        if rng.chance(70) {
            let he = hero.he();
            match rng.below(2) {
                0 => self.say(&format!("Because {reason}, {he} took {take}.")),
                _ => self.say(&format!("{} took {take} because {reason}.", hero.subject())),
            }
            self.ask(
                format!("Why did {name} take {take}?"),
                format!("{name} took {take} because {reason}."),
            );
            self.ask(format!("What did {name} take along?"), format!("{name} took {take}."));
        }
        self.ask(format!("Where did {name} go?"), format!("{name} went to the {place}."));
        self.ask("How was the weather?", format!("It was {} {time}.", a(sky)));
        let guess = if rng.chance(50) { place } else { rng.pick(&PLACES) };
        let verdict = if guess == place { "Yes" } else { "No" };
        self.ask(
            format!("Did {name} go to the {guess}?"),
            format!("{verdict}, {name} went to the {place}."),
        );
    }

    fn meet(&mut self, rng: &mut Rng, hero: &Character, friend: &Character, place: &str) {
        let (name, title) = (hero.name, friend.title());
        match rng.below(4) {
            0 => self.say(&format!("There {} met {title}.", hero.he())),
            1 => self.say(&format!("At the {place}, {name} met {title}.")),
            2 => self.say(&format!("On the way {} saw {title}.", hero.he())),
            _ => self.say(&format!("Soon {title} came along.")),
        }
        self.ask(format!("Who did {name} meet?"), format!("{name} met {title}."));
        self.ask(
            format!("What kind of animal was {}?", friend.name),
            format!("{} was {}.", friend.name, a(friend.animal.name)),
        );
        self.ask(
            "Who is the story about?",
            format!("The story is about {} and {title}.", hero.title()),
        );
    }

    fn close(&mut self, rng: &mut Rng, hero: &Character, friend: &Character) {
        let (name, other) = (hero.name, friend.name);
        match rng.below(7) {
            0 => self.say("From that day on, they were best friends."),
            1 => self.say("They laughed all the way home."),
            2 => self.say(&format!("In the evening, {name} and {other} walked home together.")),
            3 => self.say(&format!("That night, {name} slept very well.")),
            4 => self.say(&format!("{name} never forgot that day.")),
            5 => self.say("It is good to have a friend."),
            _ => self.say(&format!("\"Come again soon,\" said {other}.")),
        }
    }
}

/// Words a reader may ask for such a story with.
fn request(rng: &mut Rng, hero: &Character, friend: &Character) -> String {
    let (kind, other) = (a(hero.animal.name), a(friend.animal.name));
    match rng.below(7) {
        0 => "Tell me a story.".to_owned(),
        1 => "Can you tell me a story?".to_owned(),
        2 => format!("Tell me a story about {kind}."),
        3 => format!("Tell me a story about {kind} and {other}."),
        4 => format!("Tell me a story about {}.", hero.title()),
        5 => format!("Tell me a story about {} and {}.", hero.title(), friend.title()),
        _ => format!("Write a story about {kind} named {}.", hero.name),
    }
}
