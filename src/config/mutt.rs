//! What `mutt -Q` and `neomutt -Q` print, and what its values mean.
//!
//! mutt prints `name="value"`, NeoMutt `set name = "value"`; quotes may be missing, and a value may
//! hold `=`. mutt shortens paths: `=Sent` lies below `$folder`, `~/mail` in the home folder, and
//! what is left is relative to the folder in which mutt was run, which for us is the home folder.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::server_url::ServerUrl;
use crate::submission::Server;

/// The variables that we ask for, as both programs know them. `smtp_url` is the last because a mutt
/// without SMTP does not know it, and mutt stops at an unknown name.
pub(super) const NAMES: [&str; 6] = [
    "folder",
    "record",
    "from",
    "sendmail",
    "spoolfile",
    "smtp_url",
];

/// mutt's port for `smtp://` without one (RFC 5321), unlike ours, which is that of submission.
const MUTT_SMTP_PORT: u16 = 25;

/// What mutt or NeoMutt answered, made independent of it: full paths, no password.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answers {
    /// `$folder`, where it is a path.
    pub folder: Option<PathBuf>,
    /// `$record`, where it is a path.
    pub record: Option<PathBuf>,
    /// `$spoolfile`, where it is a path.
    pub spoolfile: Option<PathBuf>,
    /// The address in `$from`.
    pub from: Option<String>,
    /// `$smtp_url` in the form of our `submission` key, without its password.
    pub submission: Option<String>,
    /// Whether a password stood in `$smtp_url`. It was not kept.
    pub smtp_url_held_password: bool,
    /// Whether `$smtp_url` is set to what we cannot submit to, such as a server without a user.
    pub smtp_url_is_unusable: bool,
    /// `$sendmail` as words, without the options that our own run of it gives. Empty where
    /// `$smtp_url` is set: mutt does not run it then.
    pub sendmail: Vec<String>,
}

impl Answers {
    /// Reads the whole output. Lines that are no answer, such as what an rc file prints, are skipped.
    pub(super) fn read(output: &str, home: &Path) -> Self {
        let value = |name: &str| {
            let last = output.lines().filter_map(answer).rfind(|(n, _)| *n == name);
            last.map(|(_, v)| v)
        };
        let folder = value("folder").and_then(|text| path(&text, None, home));
        let local = |name| value(name).and_then(|text| path(&text, folder.as_deref(), home));
        let url = value("smtp_url").unwrap_or_default();
        let server = ServerUrl::parse(&url).ok();
        let submission = server.as_ref().map(submission);
        let is_usable = |url: &String| url.parse::<Server>().is_ok();
        Self {
            record: local("record"),
            spoolfile: local("spoolfile"),
            from: value("from").as_deref().and_then(address),
            smtp_url_is_unusable: !url.is_empty() && !submission.as_ref().is_some_and(is_usable),
            submission,
            smtp_url_held_password: server.is_some_and(|server| server.had_password),
            sendmail: value("sendmail")
                .filter(|_| url.is_empty())
                .map(|text| command(&text, home))
                .unwrap_or_default(),
            folder,
        }
    }
}

/// The names that got an answer.
pub(super) fn answered(output: &str) -> Vec<&str> {
    output
        .lines()
        .filter_map(answer)
        .map(|(name, _)| name)
        .collect()
}

/// One line of output as name and value.
fn answer(line: &str) -> Option<(&str, String)> {
    let line = line.strip_prefix("set ").unwrap_or(line);
    let (name, value) = line.split_once('=')?;
    let name = match name.trim() {
        "spool_file" => "spoolfile",
        name => name,
    };
    let value = value.trim();
    let quoted = value
        .strip_prefix('"')
        .and_then(|inner| inner.strip_suffix('"'));
    NAMES
        .contains(&name)
        .then(|| (name, quoted.map_or_else(|| value.to_owned(), unescape)))
}

/// Undoes the escapes that both programs put between quotes.
fn unescape(quoted: &str) -> String {
    let mut text = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some(other) => other,
                None => '\\',
            },
            other => other,
        });
    }
    text
}

/// A path of this machine; `None` for a folder on a server (`imaps://...`), a pipe, nothing, or a name
/// that is not UTF-8.
fn path(text: &str, folder: Option<&Path>, home: &Path) -> Option<PathBuf> {
    let is_readable = !text.contains(char::REPLACEMENT_CHARACTER);
    if !is_readable || text.is_empty() || text.starts_with('|') || text.contains("://") {
        return None;
    }
    if let Some(below) = text.strip_prefix(['=', '+']) {
        return folder.map(|folder| folder.join(below.trim_start_matches('/')));
    }
    super::paths::expand(text, home, home).ok()
}

/// The address of `Me <me@example.org>` or of `me@example.org`.
fn address(text: &str) -> Option<String> {
    let inner = match (text.rfind('<'), text.rfind('>')) {
        (Some(open), Some(close)) if open < close => &text[open + 1..close],
        _ => text,
    };
    let inner = inner.trim();
    let is_address = inner.contains('@') && !inner.contains(char::is_whitespace);
    is_address.then(|| inner.to_owned())
}

fn submission(server: &ServerUrl) -> String {
    let user = server
        .user
        .map(|user| format!("{}@", user.replace('@', "%40")))
        .unwrap_or_default();
    let port = server
        .port
        .or((server.scheme == "smtp").then_some(MUTT_SMTP_PORT));
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{user}{}{port}", server.scheme, server.host)
}

/// `$sendmail` as words. mutt splits it at blanks, without quotes. Our own run of the command says
/// whom to send to and from whom, so options about that are dropped, and so is a command that is
/// ourselves.
fn command(text: &str, home: &Path) -> Vec<String> {
    let mut words = text.split_whitespace();
    let Some(program) = words.next() else {
        return Vec::new();
    };
    let program = match path(program, None, home) {
        Some(full) if program.contains('/') => full.to_string_lossy().into_owned(),
        _ => program.to_owned(),
    };
    let mut command = vec![program];
    while let Some(word) = words.next() {
        if matches!(word, "-f" | "-r" | "-F" | "-N" | "-R") {
            words.next();
        } else if !is_about_the_envelope(word) {
            command.push(word.to_owned());
        }
    }
    let is_ours = |word: &String| {
        Path::new(word)
            .file_name()
            .is_some_and(|n| n == "tls-optout")
    };
    if command.iter().any(is_ours) {
        Vec::new()
    } else {
        command
    }
}

/// The options of sendmail(8), and those of msmtp(1) that mean the same.
fn is_about_the_envelope(word: &str) -> bool {
    const EXACT: [&str; 7] = [
        "--",
        "-i",
        "-t",
        "-bm",
        "--read-recipients",
        "--read-envelope-from",
        "-oi",
    ];
    const STARTS: [&str; 8] = ["-oe", "-f", "-r", "-F", "-N", "-R", "-B", "--from="];
    EXACT.contains(&word) || STARTS.iter().any(|start| word.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str) -> Answers {
        Answers::read(output, Path::new("/home/me"))
    }

    #[test]
    fn both_forms_are_read() {
        let mutt = "folder=\"~/Mail\"\nrecord=\"=Sent\"\nspoolfile=\"+INBOX\"\nfrom=\"me@example.org\"\n\
                    sendmail=\"~/bin/msmtp -a work -oem -oi\"\nsmtp_url=\"\"\n";
        let neomutt = "set folder = \"/home/me/Mail\"\nset record = \"/home/me/Mail/Sent\"\n\
                       set spool_file = \"/home/me/Mail/INBOX\"\nset from = \"me@example.org\"\n\
                       set sendmail = \"/home/me/bin/msmtp -a work -oem -oi\"\nset smtp_url = \"\"\n";
        let expected = Answers {
            folder: Some("/home/me/Mail".into()),
            record: Some("/home/me/Mail/Sent".into()),
            spoolfile: Some("/home/me/Mail/INBOX".into()),
            from: Some("me@example.org".to_owned()),
            sendmail: vec!["/home/me/bin/msmtp".into(), "-a".into(), "work".into()],
            ..Answers::default()
        };
        assert_eq!(read(mutt), expected);
        assert_eq!(read(neomutt), expected);
        assert!(NAMES.iter().all(|name| answered(neomutt).contains(name)));
    }

    #[test]
    fn odd_values_are_read() {
        let answers = read("hello=1\nrecord=x\nfolder=mail\nrecord = \"=a=b \\\"c\\\\\"\nnoise\n");
        assert_eq!(answers.folder.unwrap(), Path::new("/home/me/mail"));
        assert_eq!(
            answers.record.unwrap(),
            Path::new("/home/me/mail/a=b \"c\\")
        );
        let remote =
            read("folder=\"imaps://me@h.test/\"\nrecord=\"=Sent\"\nspoolfile=\"imaps://h.test\"");
        assert_eq!(remote, Answers::default());
    }

    #[test]
    fn the_sender_is_an_address() {
        assert_eq!(
            address("Me <me@example.org>").as_deref(),
            Some("me@example.org")
        );
        assert_eq!(
            address(" me@example.org ").as_deref(),
            Some("me@example.org")
        );
        assert_eq!(address("me"), None);
        assert_eq!(address(""), None);
    }

    #[test]
    fn a_password_in_smtp_url_is_cut_out() {
        for (url, submission) in [
            ("smtp://me:se=cret@h.test:587/", "smtp://me@h.test:587"),
            (
                "smtps://me@example.org:s@cret@h.test",
                "smtps://me%40example.org@h.test",
            ),
            ("smtp://me:secret@h.test", "smtp://me@h.test:25"),
        ] {
            let answers = read(&format!("smtp_url=\"{url}\""));
            assert_eq!(answers.submission.as_deref(), Some(submission));
            assert!(answers.smtp_url_held_password);
            assert!(!format!("{answers:?}").contains("cret"));
        }
        assert_eq!(read("smtp_url=\"smtp://me:pa/ss@h.test\"").submission, None);
    }

    #[test]
    fn sendmail_keeps_only_what_chooses_the_way() {
        let command = |text| command(text, Path::new("/home/me"));
        assert_eq!(
            command("/usr/sbin/sendmail -oem -oi"),
            ["/usr/sbin/sendmail"]
        );
        assert_eq!(
            command("msmtp -C ~/x -a work -t -f me@x --"),
            ["msmtp", "-C", "~/x", "-a", "work"]
        );
        assert_eq!(
            command("bin/msmtp --read-envelope-from"),
            ["/home/me/bin/msmtp"]
        );
        for none in [
            "",
            "  ",
            "tls-optout sendmail",
            "/usr/bin/env tls-optout sendmail",
        ] {
            assert!(command(none).is_empty(), "{none}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_output_makes_it_panic(text in "(?s)(set )?(folder|from|record|sendmail|smtp_url) ?=.{0,80}") {
            read(&text);
        }

        #[test]
        fn no_password_is_ever_kept(user in "[^\\s\"\\\\:/?#]{0,8}", rest in "[^\\s\"\\\\]{0,8}") {
            let url = format!("smtp_url=\"smtp://{user}:HUSH{rest}HUSH@mail.example.org\"");
            let kept = format!("{:?}", read(&url));
            proptest::prop_assert!(!kept.contains("HUSH"), "{}", kept);
        }
    }
}
