//! Which folders there are, and what each message is.

use mail_parser::DateTime;

use crate::{Kind, TARGETS, mixed};

/// The mail of ten years.
const FIRST: i64 = 1_450_000_000;
const SPAN: u64 = 315_000_000;
/// When mbsync fetched the mail of the second account, and how many messages a second.
const FETCHED: i64 = 1_773_000_000;
const RATE: u64 = 200;

/// Who gives the files of a folder their names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Names {
    /// mutt saves by Fcc, at the time of the Date; the delivery agent does the rest a minute later.
    Local,
    /// mbsync.
    Synced,
}

/// One folder.
#[derive(Debug)]
pub(crate) struct Folder {
    pub(crate) path: String,
    pub(crate) messages: u64,
    pub(crate) names: Names,
    /// One message in so many is the owner's. 0: none.
    own: u64,
    /// What the first messages of the folder are.
    traps: &'static [Trap],
    /// The number of its first message, among all.
    first: u64,
}

/// What mentions the Message-ID of a message that is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trap {
    ListCopy,
    Reply,
    Notice,
    Draft,
}

/// Folders of one kind.
struct Row {
    path: &'static str,
    folders: u64,
    /// How many of a thousand messages lie there.
    share: u64,
    /// The folders are of very different sizes, as those of lists are.
    uneven: bool,
    names: Names,
    own: u64,
    traps: &'static [Trap],
}

impl Row {
    const fn new(path: &'static str, folders: u64, share: u64, names: Names, own: u64) -> Self {
        Self {
            path,
            folders,
            share,
            uneven: false,
            names,
            own,
            traps: &[],
        }
    }

    const fn uneven(self) -> Self {
        Self {
            uneven: true,
            ..self
        }
    }

    const fn with(self, traps: &'static [Trap]) -> Self {
        Self { traps, ..self }
    }
}

const ROWS: [Row; 9] = [
    Row::new("INBOX", 1, 150, Names::Local, 0).with(&[Trap::Reply, Trap::Notice]),
    Row::new("Sent", 1, 50, Names::Local, 1),
    Row::new("Drafts", 1, 0, Names::Local, 0).with(&[Trap::Draft]),
    Row::new("Archive/#", 10, 300, Names::Local, 0),
    Row::new(".lists.#", 40, 200, Names::Local, 0)
        .uneven()
        .with(&[Trap::ListCopy]),
    Row::new("Projects/#", 20, 50, Names::Local, 3).uneven(),
    Row::new("work/INBOX", 1, 80, Names::Synced, 0),
    Row::new("work/Sent", 1, 20, Names::Synced, 1),
    Row::new("work/Archive", 1, 150, Names::Synced, 20),
];
const KINDS: [Kind; 4] = [
    Kind::Fcc,
    Kind::Filed,
    Kind::SyncedSent,
    Kind::SyncedElsewhere,
];
/// A folder with traps has one for each message that is looked for.
const TRAPS: u64 = TARGETS * KINDS.len() as u64;

/// The folders of a tree with about `messages` messages.
pub(crate) fn folders(messages: u64) -> Vec<Folder> {
    let mut folders: Vec<Folder> = Vec::new();
    for row in &ROWS {
        let weight = |number: u64| if row.uneven { 60 / (number + 1) } else { 1 };
        let all: u64 = (0..row.folders).map(weight).sum();
        for number in 0..row.folders {
            let traps = if number == 0 { row.traps } else { &[] };
            let first = folders.last().map_or(0, |last| last.first + last.messages);
            folders.push(Folder {
                path: row.path.replace('#', &format!("{}", 2015 + number)),
                messages: (messages * row.share * weight(number) / all / 1000)
                    .max(traps.len() as u64 * TRAPS),
                names: row.names,
                own: row.own,
                traps,
                first,
            });
        }
    }
    folders
}

/// Folder and place in it of a message to look for: spread over the folder.
pub(crate) fn target(folders: &[Folder], kind: Kind, number: u64) -> (usize, u64) {
    let path = match kind {
        Kind::Fcc => "Sent",
        Kind::Filed => "Projects/2015",
        Kind::SyncedSent => "work/Sent",
        Kind::SyncedElsewhere => "work/Archive",
    };
    let at = folders
        .iter()
        .position(|folder| folder.path == path)
        .expect("a folder of the layout");
    let index = (2 * number + 1) * folders[at].messages / (2 * TARGETS);
    (at, index - index % folders[at].own)
}

/// One message of a tree.
pub(crate) struct Message<'a> {
    folders: &'a [Folder],
    folder: &'a Folder,
    index: u64,
    /// Its number among all, from which all that is random about it comes.
    pub(crate) number: u64,
}

impl<'a> Message<'a> {
    pub(crate) fn new(folders: &'a [Folder], folder: usize, index: u64) -> Self {
        let folder = &folders[folder];
        Self {
            folders,
            folder,
            index,
            number: folder.first + index,
        }
    }

    /// Has the owner written it?
    pub(crate) fn is_own(&self) -> bool {
        self.folder.own > 0 && self.index.is_multiple_of(self.folder.own)
    }

    /// Came it through a mailing list?
    pub(crate) fn list(&self) -> Option<&str> {
        self.folder.path.strip_prefix(".lists.")
    }

    /// The trap that it is, and for which message.
    pub(crate) fn trap(&self) -> Option<(Trap, Message<'a>)> {
        let trap = self.folder.traps.get((self.index / TRAPS) as usize)?;
        let number = self.index % TRAPS;
        let kind = KINDS[(number / TARGETS) as usize];
        let (folder, index) = target(self.folders, kind, number % TARGETS);
        Some((*trap, Message::new(self.folders, folder, index)))
    }

    /// A message that the owner has sent, for an answer to cite.
    pub(crate) fn cited(&self) -> Message<'a> {
        let (sent, _) = target(self.folders, Kind::Fcc, 0);
        let index = mixed(self.number ^ 0xC17ED) % self.folders[sent].messages;
        Message::new(self.folders, sent, index)
    }

    pub(crate) fn id(&self) -> String {
        let host = if self.is_own() {
            "laptop.example.org"
        } else {
            "mail.example.net"
        };
        format!("{:016x}.{}@{host}", mixed(self.number), self.number)
    }

    fn time(&self) -> i64 {
        let step = SPAN / self.folder.messages.max(1);
        let jitter = mixed(self.number ^ 0x71E) % step.max(1);
        FIRST + (SPAN * self.index / self.folder.messages + jitter).cast_signed()
    }

    pub(crate) fn date(&self) -> String {
        DateTime::from_timestamp(self.time()).to_rfc822()
    }

    /// Where the file lies, below the root. `size` counts only for what was delivered.
    pub(crate) fn path(&self, size: usize) -> String {
        let random = mixed(self.number ^ 0x4A3E);
        let draft = matches!(self.trap(), Some((Trap::Draft, _)));
        let flags = match random % 8 {
            _ if draft => "DS",
            _ if self.is_own() => "S",
            0 => "FS",
            1 | 2 => "RS",
            3 if self.list().is_some() => "",
            _ => "S",
        };
        let folder = &self.folder.path;
        match self.folder.names {
            Names::Synced => {
                let time = FETCHED + (self.index / RATE).cast_signed();
                let uid = self.index + 1;
                format!("{folder}/cur/{time}.4711_{uid}.laptop,U={uid}:2,{flags}")
            }
            Names::Local if draft || self.is_own() => {
                format!("{folder}/cur/{}.R{random}.laptop:2,{flags}", self.time())
            }
            Names::Local => {
                let time = self.time() + 60;
                let (micro, process) = (random % 1_000_000, random >> 44);
                let base = format!("{time}.M{micro}P{process}.mail,S={size},W={}", size + 60);
                if random % 64 == 9 {
                    format!("{folder}/new/{base}")
                } else {
                    format!("{folder}/cur/{base}:2,{flags}")
                }
            }
        }
    }
}
