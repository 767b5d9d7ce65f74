//! The facts about a message, sorted by recipient once: a notice may name thousands, and each is asked for.

use std::collections::{HashMap, HashSet};

use crate::message::recipients::mailbox_key;

use super::news::Fact;

/// What is equal where [`same`](super::fate::same) holds.
pub(super) type Key = (String, String);

/// `None` for what is no address: it is the same as nothing.
pub(super) fn key(address: &str) -> Option<Key> {
    mailbox_key(&address.to_lowercase())
}

/// Some recipients.
#[derive(Debug, Default)]
pub struct Recipients(HashSet<Key>);

impl Recipients {
    /// Those with these addresses.
    pub fn new<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Recipients {
        Recipients(addresses.into_iter().filter_map(key).collect())
    }

    /// Is this one of them?
    pub fn has(&self, address: &str) -> bool {
        key(address).is_some_and(|key| self.0.contains(&key))
    }

    /// Is the fact about one of them?
    pub fn has_one_of(&self, fact: &Fact) -> bool {
        self.concerned(fact).is_some()
    }

    /// The one whom the fact is about: matched by `Original-Recipient` first, and by `Final-Recipient` where that
    /// is none of them.
    fn concerned(&self, fact: &Fact) -> Option<Key> {
        let is_one = |key: &Key| self.0.contains(key);
        let original = fact.original.as_deref().and_then(key).filter(is_one);
        original.or_else(|| key(&fact.last).filter(is_one))
    }
}

/// Something of each recipient, by his address.
#[derive(Debug)]
pub struct ByRecipient<T>(HashMap<Key, T>);

impl<T> ByRecipient<T> {
    /// The first of `all` for each recipient.
    pub fn first(all: impl IntoIterator<Item = T>, address: impl Fn(&T) -> &str) -> Self {
        let mut first = HashMap::new();
        for one in all {
            if let Some(key) = key(address(&one)) {
                first.entry(key).or_insert(one);
            }
        }
        ByRecipient(first)
    }

    /// That of this recipient.
    pub fn of(&self, who: &str) -> Option<&T> {
        self.0.get(&key(who)?)
    }
}

/// The facts about one message; [`super::fate`] says what they come to.
pub type Sorted<'a> = ByRecipient<Vec<&'a Fact>>;

impl<'a> Sorted<'a> {
    /// Those about the recipients `all`, which are all that are known.
    pub fn new<'b>(facts: &'a [Fact], all: impl IntoIterator<Item = &'b str>) -> Self {
        let all = Recipients::new(all);
        let mut sorted: HashMap<Key, Vec<&Fact>> = HashMap::new();
        for fact in facts {
            if let Some(key) = all.concerned(fact) {
                sorted.entry(key).or_default().push(fact);
            }
        }
        ByRecipient(sorted)
    }

    /// Those about one of them.
    pub(super) fn about(&self, who: &str, is_again: bool) -> impl Iterator<Item = &'a Fact> {
        let facts = self.of(who).into_iter().flatten().copied();
        facts.filter(move |fact| fact.is_again == is_again)
    }
}
