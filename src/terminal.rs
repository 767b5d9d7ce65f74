//! The terminal of the user: questions on /dev/tty, and text made safe to show.
//!
//! Standard input is the message and standard output may be a pipe, so questions go to /dev/tty and
//! to nothing else. Without one nobody can be asked.

use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::thread;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr,
};
use serde::Serialize;
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use unicode_width::UnicodeWidthChar;

/// The terminal that this process is started from.
#[derive(Debug)]
pub struct Terminal {
    tty: File,
    saved: Termios,
}

impl Terminal {
    /// Opens /dev/tty. From then on a signal that ends the process restores the terminal first.
    ///
    /// # Errors
    /// When the process has no terminal.
    pub fn open() -> io::Result<Terminal> {
        let tty = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
        let saved = tcgetattr(&tty)?;
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGQUIT, SIGTERM])?;
        let (copy, state) = (tty.try_clone()?, saved.clone());
        thread::spawn(move || {
            for signal in signals.forever() {
                let _ = tcsetattr(&copy, OptionalActions::Flush, &state);
                let _ = emulate_default_handler(signal);
            }
        });
        Ok(Terminal { tty, saved })
    }

    /// Columns of the screen; 80 where it does not tell.
    pub fn columns(&self) -> usize {
        tcgetwinsize(&self.tty).map_or(80, |size| match size.ws_col {
            0 => 80,
            columns => columns.into(),
        })
    }

    /// Erases what stands behind the cursor (ECMA-48, ED): mutt begins each run of a program on the screen of the
    /// one before.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn erase_below(&mut self) -> io::Result<()> {
        match env::var("TERM").as_deref() {
            Err(_) | Ok("" | "dumb") => Ok(()),
            Ok(_) => self.print("\x1b[J"),
        }
    }

    /// Prints text as it is: the caller has made it safe with [`shown`].
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn print(&mut self, text: &str) -> io::Result<()> {
        self.tty.write_all(text.as_bytes())?;
        self.tty.flush()
    }

    /// Prints the question and reads a line, which the user sees while typing. Lines that were typed before the
    /// question stood there do not count. Of a long one the start; what ended without a line is none.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn line(&mut self, question: &str) -> io::Result<String> {
        tcsetattr(&self.tty, OptionalActions::Flush, &self.saved)?;
        self.print(question)?;
        let mut line = [0; 256];
        let read = self.tty.read(&mut line)?;
        let line = String::from_utf8_lossy(&line[..read]);
        Ok(line.strip_suffix('\n').unwrap_or_default().to_owned())
    }

    /// Prints the question and waits for one key. Keys that were typed before the question stood there
    /// do not count as an answer, and what follows the first byte of a key (an arrow's) is thrown
    /// away. `None`: no more keys.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn key(&mut self, question: &str) -> io::Result<Option<u8>> {
        let mut state = self.saved.clone();
        // Without ISIG Ctrl-C is a key like others: an answer, and the answer is no.
        state
            .local_modes
            .remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG);
        state.special_codes[SpecialCodeIndex::VMIN] = 1;
        state.special_codes[SpecialCodeIndex::VTIME] = 0;
        // Before the question stands there: who answers at once must not have the key thrown away.
        tcsetattr(&self.tty, OptionalActions::Flush, &state)?;
        let mut byte = [0];
        let read = self.print(question).and_then(|()| self.tty.read(&mut byte));
        tcsetattr(&self.tty, OptionalActions::Flush, &self.saved)?;
        Ok((read? == 1).then_some(byte[0]))
    }
}

/// Text from mail or from a server, safe to show: control characters, bidirectional overrides and
/// characters without width are escaped, line ends and tabs become blanks.
pub fn shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\r' | '\n' => safe.push(' '),
            c if hides(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// One line of JSON. What [`shown`] escapes is escaped here as JSON does it, so that it reads the same.
///
/// # Errors
/// When the value has no JSON form.
pub fn json(value: &impl Serialize) -> io::Result<String> {
    let text = serde_json::to_string(value)?;
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match hides(c) {
            true => safe.extend(
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            ),
            false => safe.push(c),
        }
    }
    Ok(safe)
}

/// Does the character act on the terminal or on its neighbours in place of being seen?
fn hides(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' | '\u{2028}'..='\u{202e}'
        )
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}')
        || matches!(
            c,
            '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}'
        )
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e01ef}')
}

/// At most `columns` columns of the text; where something is cut off the last one is an ellipsis.
pub fn fit(text: &str, columns: usize) -> String {
    let width = |c: char| c.width().unwrap_or(0);
    if text.chars().map(width).sum::<usize>() <= columns {
        return text.to_owned();
    }
    let mut used = 1;
    let mut fitting: String = text
        .chars()
        .take_while(|&c| {
            used += width(c);
            used <= columns
        })
        .collect();
    fitting.push('\u{2026}');
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal() {
        assert_eq!(shown("a\x1b[2Jb\u{202e}c\u{200b}d\r\ne\u{9b}f"), {
            "a\\u{1b}[2Jb\\u{202e}c\\u{200b}d  e\\u{9b}f"
        });
        assert_eq!(
            shown("Gr\u{fc}\u{df}e \u{4f60}"),
            "Gr\u{fc}\u{df}e \u{4f60}"
        );
    }

    #[test]
    fn json_reads_the_same_and_acts_on_nothing() {
        let text = "a\x1b\u{9b}\u{202e}\u{e0001}\"\\\u{fc}";
        let line = json(&text).unwrap();
        assert_eq!(
            line,
            "\"a\\u001b\\u009b\\u202e\\udb40\\udc01\\\"\\\\\u{fc}\""
        );
        assert_eq!(serde_json::from_str::<String>(&line).unwrap(), text);
    }

    #[test]
    fn fits_wide_characters() {
        assert_eq!(fit("abc", 3), "abc");
        assert_eq!(fit("abcd", 3), "ab\u{2026}");
        assert_eq!(fit("\u{4f60}\u{597d}\u{4f60}", 4), "\u{4f60}\u{2026}");
    }
}
