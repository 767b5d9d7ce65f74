//! `filter`: the subject cookie becomes the field; or the field is put into a draft and taken out again.

use std::fs::{self, File};
use std::io::{self, BufRead, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use rustix::termios::tcgetsid;

use crate::cli::{Filter, NAME};
use crate::config::{Places, durable};
use crate::message::optout;

use super::compose::turned;
use super::{DATA, DONE, Failure, IO, configuration, input};

/// A header longer than this is passed on as it is, in bytes.
const LONGEST_HEADER: u64 = 1 << 20;

pub(super) fn run(args: &Filter, places: &Places) -> Result<u8, Failure> {
    match &args.edit {
        Some(draft) => edit(draft, places),
        None if args.edited => edited(places),
        None => pass(places),
    }
}

/// Whatever goes wrong, all of the message comes out: the next program in a pipe would take less for the
/// whole. Then it is as it came in, and the status tells.
fn pass(places: &Places) -> Result<u8, Failure> {
    let mut from = io::stdin().lock();
    let mut to = BufWriter::new(io::stdout().lock());
    let header = header(&mut from).map_err(|error| unread(&error))?;
    let turned = configuration(places).and_then(|config| turned(&header, &config));
    let first = match &turned {
        Ok(Some(turned)) => turned,
        _ => &header,
    };
    let written = to
        .write_all(first)
        .and_then(|()| io::copy(&mut from, &mut to))
        .and_then(|_| to.flush());
    written.map_err(|error| Failure::new(IO, format!("cannot pass the message on: {error}")))?;
    match turned {
        Ok(_) => Ok(DONE),
        Err(failure) => Err(Failure::new(
            failure.status,
            format!("{failure}; the message is passed on as it is"),
        )),
    }
}

/// The lines up to the first empty one, and that one.
fn header(from: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut header = Vec::new();
    let mut from = from.take(LONGEST_HEADER);
    loop {
        let start = header.len();
        from.read_until(b'\n', &mut header)?;
        if matches!(&header[start..], b"" | b"\n" | b"\r\n") {
            return Ok(header);
        }
    }
}

/// On becomes off, off becomes on.
fn edit(draft: &Path, places: &Places) -> Result<u8, Failure> {
    let said = said(places);
    let _ = fs::remove_file(&said);
    let toggled = toggle(draft);
    let state = match toggled {
        Ok(true) => "on, this message asks for delivery without TLS policy (TLS-Required: No)",
        Ok(false) => "off, TLS policy counts for this message",
        Err(_) => "nothing changed",
    };
    // mutt draws over what a program says; its own line below can say it again.
    let _ = places
        .state_folder()
        .and_then(|_| durable::write(&said, state.as_bytes()));
    toggled?;
    writeln!(io::stderr(), "{NAME}: {state}")?;
    Ok(DONE)
}

/// Is it on now?
fn toggle(draft: &Path) -> Result<bool, Failure> {
    let message = input(draft)?;
    let name = draft.display();
    let Some((changed, is_on)) = optout::toggled(&message) else {
        let text =
            format!("{name}: no message with a header; use it as $editor for <edit-headers>");
        return Err(Failure::new(DATA, text));
    };
    durable::replace(draft, &changed)
        .map_err(|error| Failure::new(IO, format!("{name}: {error}; it is as it was")))?;
    Ok(is_on)
}

/// Says once more what the last edit did.
fn edited(places: &Places) -> Result<u8, Failure> {
    const UNKNOWN: &str = "cannot tell whether it is on; the header shows it (E in mutt)";
    let file = said(places);
    let state = fs::read_to_string(&file).unwrap_or_else(|_| UNKNOWN.to_owned());
    let _ = fs::remove_file(&file);
    writeln!(io::stdout(), "{NAME}: {state}")?;
    Ok(DONE)
}

/// A file for each terminal: a mail program in another one has a draft of its own.
fn said(places: &Places) -> PathBuf {
    let session = File::open("/dev/tty")
        .ok()
        .and_then(|tty| tcgetsid(tty).ok());
    let session = session.map_or(0, |session| session.as_raw_nonzero().get());
    places
        .state_home
        .join(NAME)
        .join(format!("edited.{session}"))
}

fn unread(error: &io::Error) -> Failure {
    Failure::new(IO, format!("standard input: {error}"))
}
