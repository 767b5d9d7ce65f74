//! A message in the inbox that tells of an offer, in the thread of the original.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use mail_builder::MessageBuilder;
use mail_builder::headers::raw::Raw;

use crate::message::text::rfc3339;
use crate::notice::provenance::Provenance;
use crate::terminal::shown;

use super::{Telling, Tidings};

/// Where the message goes, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// A Maildir folder.
    pub folder: PathBuf,
    /// The user's address: sender and recipient.
    pub address: String,
}

impl Letter {
    pub(super) fn deliver(&self, tidings: &Tidings) -> Telling {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let written = self
            .write(tidings, now.as_secs().cast_signed())
            .and_then(|message| deliver(&self.folder, &message, now.as_micros()));
        match written {
            Ok(()) => Telling::Done,
            Err(error) => {
                let (offer, folder) = (tidings.offer, self.folder.display());
                tracing::warn!("offer {offer}: no message into {folder}: {error}");
                Telling::Later
            }
        }
    }

    /// Line ends as Maildir has them. It has one Message-ID for each offer: a second copy, after a crash, is seen to be
    /// the same.
    fn write(&self, tidings: &Tidings, now: i64) -> io::Result<Vec<u8>> {
        let offer = tidings.offer;
        let domain = self
            .address
            .rsplit_once('@')
            .map_or("localhost", |(_, domain)| domain);
        let id = format!(
            "tls-optout-offer-{offer}.{}",
            tidings.message_id.replace('@', ".")
        );
        let id: String = id
            .chars()
            .filter(|c| c.is_ascii_graphic() && !"<>()\"\\".contains(*c))
            .collect();
        let mut message = MessageBuilder::new()
            .from(("tls-optout", &*self.address))
            .to(&*self.address)
            .date(now)
            .message_id(format!("{id}@{domain}"))
            .subject(format!(
                "Broken TLS holds back: {}",
                shown(&tidings.subject)
            ))
            .header("Auto-Submitted", Raw::new("auto-generated"))
            .text_body(text(tidings));
        if is_message_id(&tidings.message_id) {
            message = message
                .in_reply_to(&*tidings.message_id)
                .references(&*tidings.message_id);
        }
        let message = message.write_to_vec()?;
        let mut lines = Vec::with_capacity(message.len());
        for line in message.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\r\n") {
                Some(line) => lines.extend_from_slice(&[line, b"\n"].concat()),
                None => lines.extend_from_slice(line),
            }
        }
        Ok(lines)
    }
}

fn is_message_id(id: &str) -> bool {
    id.contains('@')
        && id
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'<' && byte != b'>')
}

fn text(tidings: &Tidings) -> String {
    let Tidings { offer, subject, .. } = tidings;
    let mut text = format!("Your message \"{}\" waits for:\n\n", shown(subject));
    for (recipient, cause) in &tidings.recipients {
        text += &format!("    {}\n        {}\n", shown(recipient), shown(cause));
    }
    if tidings.provenance == Provenance::Unverified {
        text += "\nNothing shows that your own mail server wrote the notice that says so:\nit may be forged.\n";
    }
    if let Some(expires) = tidings.expires {
        text += &format!(
            "\nYour mail server goes on trying until {}.\n",
            rfc3339(expires)
        );
    }
    text + &format!(
        "\nIt can be sent again with TLS-Required: No, which asks the servers on the way to put delivery\n\
         before TLS policy. Nothing is sent without your word:\n\n    tls-optout resend {offer}\n    \
         tls-optout dismiss {offer}\n"
    )
}

/// Written to `tmp`, on the disk, then renamed into `new`: nobody sees a part of it.
fn deliver(folder: &Path, message: &[u8], micros: u128) -> io::Result<()> {
    let random = getrandom::u64().map_err(io::Error::other)?;
    let seconds = micros / 1_000_000;
    let name = format!("{seconds}.M{}R{random:016x}.tls-optout", micros % 1_000_000);
    let [from, to] = ["tmp", "new"].map(|part| folder.join(part).join(&name));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&from)?;
    let written = file
        .write_all(message)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&from, &to));
    if written.is_err() {
        let _ = fs::remove_file(&from);
    }
    written?;
    File::open(folder.join("new"))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice;

    #[test]
    fn it_is_mail_and_no_notice() {
        let root = tempfile::tempdir().unwrap();
        for part in ["cur", "new", "tmp"] {
            fs::create_dir(root.path().join(part)).unwrap();
        }
        let letter = Letter {
            folder: root.path().to_owned(),
            address: "alice@example.org".to_owned(),
        };
        let tidings = Tidings {
            offer: 7,
            recipients: vec![("bob@example.net".to_owned(), "no STARTTLS".to_owned())],
            subject: "L\u{fc}nch\r\nBcc: eve@example.com".to_owned(),
            message_id: "lunch-1@example.org".to_owned(),
            notice: None,
            expires: None,
            provenance: Provenance::Unverified,
            path: None,
        };
        assert_eq!(letter.deliver(&tidings), Telling::Done);
        let files: Vec<_> = fs::read_dir(root.path().join("new")).unwrap().collect();
        let [Ok(file)] = &files[..] else {
            panic!("not one file")
        };
        let message = fs::read(file.path()).unwrap();
        assert!(!notice::may_be(&message) && notice::read(&message).is_none());
        let text = String::from_utf8(message).unwrap();
        assert!(
            text.contains("\nAuto-Submitted: auto-generated\n"),
            "{text}"
        );
        assert!(
            text.contains("\nIn-Reply-To: <lunch-1@example.org>\n"),
            "{text}"
        );
        assert!(text.contains("it may be forged"), "{text}");
        assert!(!text.contains("\nBcc:") && !text.contains('\r'), "{text}");
        assert!(text.contains("tls-optout resend 7\n"), "{text}");
        assert_eq!(fs::read_dir(root.path().join("tmp")).unwrap().count(), 0);
        // Written again it is the same message.
        let id = |text: &str| {
            text.lines()
                .find(|line| line.starts_with("Message-ID:"))
                .map(str::to_owned)
        };
        let again = String::from_utf8(letter.write(&tidings, 0).unwrap()).unwrap();
        assert!(id(&text).is_some() && id(&text) == id(&again));
    }

    #[test]
    fn a_folder_that_is_full_or_gone_is_tried_again() {
        let letter = Letter {
            folder: PathBuf::from("/nowhere"),
            address: "alice@example.org".to_owned(),
        };
        let tidings = Tidings {
            offer: 7,
            recipients: Vec::new(),
            subject: String::new(),
            message_id: String::new(),
            notice: None,
            expires: None,
            provenance: Provenance::Unverified,
            path: None,
        };
        assert_eq!(letter.deliver(&tidings), Telling::Later);
    }
}
