//! What is always true in the world of the stories, and the words they are told with.

/// An animal and the facts that never change about its kind.
#[derive(Debug)]
pub(super) struct Animal {
    pub(super) name: &'static str,
    pub(super) color: &'static str,
    /// Each food belongs to one animal, so that "Who eats ...?" has one answer.
    pub(super) food: &'static str,
    /// The home, with its preposition.
    pub(super) home: &'static str,
    pub(super) sound: &'static str,
    /// What it likes to do, as an infinitive.
    pub(super) hobby: &'static str,
}

/// The weather of a story and what it makes a traveller take along.
#[derive(Debug)]
pub(super) struct Weather {
    pub(super) name: &'static str,
    /// The reason, as a clause.
    pub(super) reason: &'static str,
    pub(super) take: &'static str,
}

/// Prefixes the article that `noun` asks for.
pub(super) fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

const fn animal(
    name: &'static str,
    color: &'static str,
    food: &'static str,
    home: &'static str,
    sound: &'static str,
    hobby: &'static str,
) -> Animal {
    Animal { name, color, food, home, sound, hobby }
}

pub(super) static ANIMALS: [Animal; 18] = [
    animal("fox", "red", "berries", "in a den", "barks", "run in the woods"),
    animal("rabbit", "white", "carrots", "in a burrow", "squeaks", "hop in the grass"),
    animal("bear", "brown", "honey", "in a cave", "growls", "climb trees"),
    animal("owl", "gray", "moths", "in a hollow tree", "hoots", "fly at night"),
    animal("duck", "yellow", "corn", "by the pond", "quacks", "splash in the water"),
    animal("frog", "green", "flies", "in the swamp", "croaks", "jump over stones"),
    animal("mouse", "gray", "cheese", "in a small hole", "peeps", "hide in warm places"),
    animal("cat", "black", "fish", "in a cottage", "meows", "sleep in the sun"),
    animal("dog", "brown", "bones", "in a kennel", "howls", "dig deep holes"),
    animal("horse", "brown", "hay", "in a stable", "neighs", "run in the fields"),
    animal(
        "squirrel",
        "orange",
        "nuts",
        "in an oak tree",
        "chatters",
        "leap from branch to branch",
    ),
    animal("hedgehog", "brown", "apples", "under a hedge", "sniffs", "roll into a ball"),
    animal("otter", "brown", "clams", "by the river", "whistles", "slide down the bank"),
    animal("turtle", "green", "leaves", "by the lake", "hums", "walk very slowly"),
    animal("sheep", "white", "grass", "in a barn", "bleats", "rest on the hill"),
    animal("beaver", "brown", "bark", "in a dam", "slaps its tail", "build things"),
    animal("bird", "blue", "seeds", "in a nest", "sings", "fly over the town"),
    animal("pig", "pink", "turnips", "in a sty", "grunts", "roll in the mud"),
];

pub(super) const GIRLS: [&str; 16] = [
    "Mila", "Luna", "Rosa", "Ella", "Nora", "Ivy", "Ruby", "Hana", "Clara", "Zoe", "Tara", "Lily",
    "Anna", "Maya", "Daisy", "Emma",
];

pub(super) const BOYS: [&str; 16] = [
    "Toby", "Finn", "Max", "Leo", "Oscar", "Hugo", "Sam", "Milo", "Ben", "Otto", "Jack", "Theo",
    "Noah", "Felix", "Adam", "Paul",
];

pub(super) const TRAITS: [&str; 12] = [
    "small", "kind", "brave", "clever", "shy", "young", "old", "quiet", "curious", "happy", "lazy",
    "gentle",
];

/// With their preposition.
pub(super) const PLACES: [&str; 14] = [
    "forest", "meadow", "beach", "market", "village", "garden", "hill", "river", "old mill",
    "bridge", "school", "valley", "lake", "farm",
];

pub(super) const TIMES: [&str; 4] = ["morning", "afternoon", "evening", "day"];

pub(super) const WEATHERS: [Weather; 7] = [
    Weather { name: "rainy", reason: "it was raining", take: "an umbrella" },
    Weather { name: "snowy", reason: "it was snowing", take: "a warm scarf" },
    Weather { name: "sunny", reason: "the sun was hot", take: "a straw hat" },
    Weather { name: "windy", reason: "the wind was strong", take: "a thick coat" },
    Weather { name: "foggy", reason: "the fog was thick", take: "a bright lantern" },
    Weather { name: "cold", reason: "the air was cold", take: "a pair of gloves" },
    Weather { name: "stormy", reason: "a storm was near", take: "a pair of boots" },
];

pub(super) const COLORS: [&str; 9] =
    ["red", "blue", "green", "yellow", "white", "black", "pink", "golden", "silver"];

pub(super) const TOYS: [&str; 14] = [
    "kite", "ball", "drum", "hat", "key", "book", "bell", "ring", "cup", "boat", "flute", "spoon",
    "button", "ribbon",
];

/// With their preposition.
pub(super) const SPOTS: [&str; 12] = [
    "under the bench",
    "behind the barrel",
    "in the tall grass",
    "inside a basket",
    "near the well",
    "on the roof",
    "between two stones",
    "under a pile of leaves",
    "behind the door",
    "next to the gate",
    "in the mud",
    "on a low branch",
];

pub(super) const GLAD: [&str; 6] = ["happy", "glad", "proud", "thankful", "calm", "cheerful"];

pub(super) const NUMBERS: [&str; 21] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];

pub(super) const DAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

pub(super) const SEASONS: [&str; 4] = ["spring", "summer", "autumn", "winter"];

pub(super) const OPPOSITES: [(&str, &str); 12] = [
    ("hot", "cold"),
    ("big", "small"),
    ("happy", "sad"),
    ("fast", "slow"),
    ("day", "night"),
    ("old", "young"),
    ("wet", "dry"),
    ("loud", "quiet"),
    ("open", "closed"),
    ("high", "low"),
    ("light", "dark"),
    ("early", "late"),
];

/// Question, answer.
pub(super) const LORE: [(&str, &str); 22] = [
    ("What color is the sky?", "The sky is blue."),
    ("What color is the grass?", "The grass is green."),
    ("What color is the snow?", "The snow is white."),
    ("What color is the sun?", "The sun is yellow."),
    ("What falls from the clouds?", "Rain falls from the clouds."),
    ("What shines at night?", "The moon and the stars shine at night."),
    ("What shines in the day?", "The sun shines in the day."),
    ("When does it snow?", "It snows in winter."),
    ("When do flowers grow?", "Flowers grow in spring."),
    ("When do leaves fall?", "Leaves fall in autumn."),
    ("Where do fish live?", "Fish live in the water."),
    ("Where do stars live?", "Stars live in the sky."),
    ("Why do birds fly?", "Birds fly because they have wings."),
    ("Why is ice cold?", "Ice is cold because it is frozen water."),
    ("Who makes honey?", "Bees make honey."),
    ("Who bakes the bread?", "The baker bakes the bread."),
    ("Who are you?", "I am a little storyteller. I know stories about animals."),
    ("What is your name?", "My name is Storyteller."),
    ("What can you do?", "I can tell stories and answer questions about them."),
    ("Hello!", "Hello! Would you like to hear a story?"),
    ("How are you?", "I am well, thank you. Would you like to hear a story?"),
    ("Thank you!", "You are welcome."),
];
