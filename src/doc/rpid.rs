//! Rich presence (RFC 4480): what a person is doing, and the forms older phones send.

use super::element::{Element, Name, Node};
use super::namespace::Namespace;
use super::pidf::Person;
use super::vocabulary::{Content, EMPTY, Form, NOTE, Part, Type};

/// The activities the schema of RFC 4480 knows, without `other` and `unknown`.
pub const ACTIVITIES: &[&str] = &[
    "appointment",
    "away",
    "breakfast",
    "busy",
    "dinner",
    "holiday",
    "in-transit",
    "looking-for-work",
    "meal",
    "meeting",
    "on-the-phone",
    "performance",
    "permanent-absence",
    "playing",
    "presentation",
    "shopping",
    "sleeping",
    "spectator",
    "steering",
    "travel",
    "tv",
    "vacation",
    "working",
    "worship",
];

/// The moods the schema of RFC 4480 knows, without `other` and `unknown`.
pub const MOODS: &[&str] = &[
    "afraid",
    "amazed",
    "angry",
    "annoyed",
    "anxious",
    "ashamed",
    "bored",
    "brave",
    "calm",
    "cold",
    "confused",
    "contented",
    "cranky",
    "curious",
    "depressed",
    "disappointed",
    "disgusted",
    "distracted",
    "embarrassed",
    "excited",
    "flirtatious",
    "frustrated",
    "grumpy",
    "guilty",
    "happy",
    "hot",
    "humbled",
    "humiliated",
    "hungry",
    "hurt",
    "impressed",
    "in_awe",
    "in_love",
    "indignant",
    "interested",
    "invincible",
    "jealous",
    "lonely",
    "mean",
    "moody",
    "nervous",
    "neutral",
    "offended",
    "playful",
    "proud",
    "relieved",
    "remorseful",
    "restless",
    "sad",
    "sarcastic",
    "serious",
    "shocked",
    "shy",
    "sick",
    "sleepy",
    "stressed",
    "surprised",
    "thirsty",
    "worried",
];

/// Elements RFC 4480 §3.1, table 1, gives to persons and to nothing else.
const PERSON_ONLY: &[&str] =
    &["activities", "mood", "place-is", "place-type", "sphere", "time-offset"];

/// Elements RFC 4480 §3.1 allows once in a person, tuple or device.
const SINGLE: &[&str] = &["class", "relationship", "service-class", "status-icon", "user-input"];

impl Person {
    /// The sphere the person is in, in lower case (RFC 4480 §3.10); `None` if it is not said.
    pub fn sphere(&self) -> Option<String> {
        let element = self.rpid("sphere")?;
        let word = match element.elements().next() {
            Some(child) => child.name.local.to_lowercase(),
            None => element.token().to_lowercase(),
        };
        (!word.is_empty() && word != "unknown").then_some(word)
    }

    /// What the person is doing, in document order, without notes.
    pub fn activities(&self) -> impl Iterator<Item = &Name> {
        let lists = self.elements.iter().filter(|e| e.is(&Namespace::Rpid, "activities"));
        let all = lists.flat_map(Element::elements).map(|activity| &activity.name);
        all.filter(|name| !name.is(&Namespace::Rpid, "note"))
    }

    /// Adds an activity behind the others, unless the person does it already.
    pub fn add_activity(&mut self, activity: Name) {
        if self.activities().any(|name| *name == activity) {
            return;
        }
        let element = Element { name: activity, attributes: Vec::new(), children: Vec::new() };
        self.activities_mut().children.push(Node::Element(element));
    }

    /// The first list of activities, made if there is none, before everything else.
    pub fn activities_mut(&mut self) -> &mut Element {
        let found = self.elements.iter().position(|e| e.is(&Namespace::Rpid, "activities"));
        let at = found.unwrap_or_else(|| {
            self.elements.insert(0, Element::new(Namespace::Rpid, "activities"));
            0
        });
        self.elements.get_mut(at).expect("position comes from this list")
    }

    /// The first element of RPID of that name.
    pub fn rpid(&self, local: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.is(&Namespace::Rpid, local))
    }
}

/// Whether RFC 4480 allows the element in a person only.
pub fn is_for_persons_only(element: &Element) -> bool {
    element.name.namespace == Namespace::Rpid && PERSON_ONLY.contains(&&*element.name.local)
}

/// Whether RFC 4480 §3.1 allows the element only once beside others.
pub fn is_single(name: &Name) -> bool {
    name.namespace == Namespace::Rpid && SINGLE.contains(&&*name.local)
}

/// The element with the forms of drafts and of the text put into those of the schema: `lunch`
/// is a `meal`, `<activity>busy</activity>` is `<busy/>`, a word RPID does not have is `other`,
/// and `<sphere>home</sphere>` is `<sphere><home/></sphere>`.
pub fn normal(element: Element) -> Element {
    if element.name.namespace != Namespace::Rpid {
        return element;
    }
    match &*element.name.local {
        "activities" => words(element, "activity", ACTIVITIES),
        "mood" => words(element, "mood", MOODS),
        "place-type" => words(element, "place", &[]),
        "sphere" => match element.token().to_ascii_lowercase().as_str() {
            word @ ("home" | "work") if element.elements().next().is_none() => {
                let mut sphere = element;
                sphere.children = vec![Node::Element(Element::new(Namespace::Rpid, word))];
                sphere
            }
            _ => element,
        },
        _ => element,
    }
}

/// `wrapper` is the element drafts put around a word.
fn words(element: Element, wrapper: &str, known: &[&str]) -> Element {
    let children = element.children.into_iter().map(|node| match node {
        Node::Element(child) if child.name.namespace == Namespace::Rpid => {
            Node::Element(word(child, wrapper, known))
        }
        node => node,
    });
    Element { children: children.collect(), ..element }
}

fn word(element: Element, wrapper: &str, known: &[&str]) -> Element {
    let word = match &*element.name.local {
        "note" | "other" | "unknown" => return element,
        local if local == wrapper => element.token().to_ascii_lowercase(),
        local => local.to_owned(),
    };
    match word.as_str() {
        // The text of RFC 4480 has it, its schema has not.
        "lunch" if known.contains(&"meal") => Element::new(Namespace::Rpid, "meal"),
        "" | "unknown" => Element::new(Namespace::Rpid, "unknown"),
        own if known.contains(&own) => Element::new(Namespace::Rpid, own),
        odd => Element::new(Namespace::Rpid, "other").with_text(odd),
    }
}

/// The form of an element of this namespace that may stand on its own.
pub(super) fn form(local: &str) -> Option<&'static Form> {
    match local {
        "activities" => Some(&ACTIVITIES_FORM),
        "class" => Some(&CLASS),
        "mood" => Some(&MOOD),
        "place-is" => Some(&PLACE_IS),
        "place-type" => Some(&PLACE_TYPE),
        "privacy" => Some(&PRIVACY),
        "relationship" => Some(&RELATIONSHIP),
        "service-class" => Some(&SERVICE_CLASS),
        "sphere" => Some(&SPHERE),
        "status-icon" => Some(&STATUS_ICON),
        "time-offset" => Some(&TIME_OFFSET),
        "user-input" => Some(&USER_INPUT),
        _ => None,
    }
}

/// Attributes of elements that hold for a time.
const TIMED: &[(&str, Type, bool)] =
    &[("from", Type::DateTime, false), ("until", Type::DateTime, false), ("id", Type::Id, false)];

const fn timed(content: Content) -> Form {
    Form { attributes: TIMED, open: true, language: false, content }
}

const ACTIVITIES_FORM: Form =
    timed(Content::Parts(&[Part::Many("note", &NOTE), Part::Words(ACTIVITIES), Part::Unknown]));

const CLASS: Form = Form::of(Content::Text(Type::Token));

const MOOD: Form = timed(Content::Parts(&[
    Part::Many("note", &NOTE),
    Part::Words(MOODS),
    Part::Unknown,
    Part::NotBare,
]));

const PLACE_IS: Form = timed(Content::Parts(&[
    Part::Many("note", &NOTE),
    Part::Each(&["audio"], &one_of(&["noisy", "ok", "quiet", "unknown"])),
    Part::Each(&["video"], &one_of(&["toobright", "ok", "dark", "unknown"])),
    Part::Each(&["text"], &one_of(&["uncomfortable", "inappropriate", "ok", "unknown"])),
]));

const fn one_of(words: &'static [&'static str]) -> Form {
    Form::of(Content::Word(words))
}

const PLACE_TYPE: Form =
    timed(Content::Parts(&[Part::Many("note", &NOTE), Part::Choice(&[], true), Part::NotBare]));

const PRIVACY: Form = timed(Content::Parts(&[
    Part::Many("note", &NOTE),
    Part::Each(&["audio", "text", "video"], &EMPTY),
    Part::Foreign,
    Part::Unknown,
]));

const RELATIONSHIP: Form = Form::of(Content::Parts(&[
    Part::Many("note", &NOTE),
    Part::Choice(
        &["assistant", "associate", "family", "friend", "self", "supervisor", "unknown"],
        true,
    ),
    Part::NotBare,
]));

const SERVICE_CLASS: Form = Form::of(Content::Parts(&[
    Part::Many("note", &NOTE),
    Part::Choice(&["courier", "electronic", "freight", "in-person", "postal", "unknown"], false),
    Part::NotBare,
]));

const SPHERE: Form = timed(Content::Parts(&[Part::Choice(&["home", "work", "unknown"], false)]));

const STATUS_ICON: Form = timed(Content::Text(Type::Uri));

const TIME_OFFSET: Form = Form {
    attributes: &[
        ("from", Type::DateTime, false),
        ("until", Type::DateTime, false),
        ("description", Type::Text, false),
        ("id", Type::Id, false),
    ],
    open: true,
    ..Form::of(Content::Text(Type::Integer))
};

const USER_INPUT: Form = Form {
    attributes: &[
        ("idle-threshold", Type::PositiveInteger, false),
        ("last-input", Type::DateTime, false),
        ("id", Type::Id, false),
    ],
    open: true,
    ..Form::of(Content::Text(Type::OneOf(&["active", "idle"])))
};

#[cfg(test)]
mod tests {
    use super::*;

    fn activities(words: &[&str]) -> Element {
        let list = Element::new(Namespace::Rpid, "activities");
        let children = words.iter().map(|word| Element::new(Namespace::Rpid, word));
        children.fold(list, Element::with_child)
    }

    #[test]
    fn lunch_is_a_meal() {
        assert_eq!(normal(activities(&["lunch"])), activities(&["meal"]));
    }

    #[test]
    fn a_word_rpid_does_not_have_is_other() {
        let odd = normal(activities(&["idle"]));
        let other = odd.child(&Namespace::Rpid, "other").expect("other");
        assert_eq!(other.text(), "idle");
    }

    #[test]
    fn an_activity_of_the_drafts_is_the_word_inside() {
        let draft = Element::new(Namespace::Rpid, "activity").with_text("on-the-phone");
        let list = Element::new(Namespace::Rpid, "activities").with_child(draft);
        assert_eq!(normal(list), activities(&["on-the-phone"]));
    }

    #[test]
    fn a_sphere_of_the_drafts_is_the_word_inside() {
        let draft = Element::new(Namespace::Rpid, "sphere").with_text(" Work ");
        assert!(normal(draft).child(&Namespace::Rpid, "work").is_some());
    }

    #[test]
    fn an_activity_is_added_once_and_behind_the_others() {
        let mut person = Person::default();
        for word in ["busy", "meeting", "busy"] {
            person.add_activity(Name::new(Namespace::Rpid, word));
        }
        let words: Vec<&str> = person.activities().map(|name| &*name.local).collect();
        assert_eq!(words, ["busy", "meeting"]);
    }
}
