//! What mutt or NeoMutt know, so that their user needs no file of ours.
//!
//! `mutt -Q NAME` runs the whole rc file, which may run commands and ask for a passphrase. So all
//! names are asked for in one run, the answer is remembered, and it is asked for again only when the
//! program or an rc file changes. Files that an rc file sources are not seen: [`ask_again`].

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::durable;
use super::harmless;
use super::mutt::{Answers, NAMES, answered};
use super::paths::Places;

/// How long mutt may take: long enough for a user to type the passphrase that an rc file asks for.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of mutt's output is read; the answers are some hundred bytes.
const MOST_OUTPUT: usize = 256 * 1024;
/// Changes when [`Remembered`] does.
const VERSION: u32 = 2;

/// Whether mutt may be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// Yes, where nothing is remembered or something has changed.
    IfChanged,
    /// The same, but only where the user's rc files run no command, which might ask for a passphrase; otherwise what
    /// is remembered must do. For a daemon, which nobody sits before.
    IfHarmless,
    /// No: what is remembered must do.
    Never,
}

/// Why mutt gave no answer. Its own words are not kept: they may hold parts of the rc file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It could not be run, or its output not be read.
    #[error("cannot run {}: {source}", program.display())]
    Run {
        /// mutt or NeoMutt.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It was still running after the time allowed.
    #[error("`{} -Q folder` did not end within {seconds} s", program.display())]
    Slow {
        /// mutt or NeoMutt.
        program: PathBuf,
        /// The time allowed.
        seconds: u64,
    },
    /// It ended without any answer.
    #[error("`{} -Q folder` gave no answer ({status}); run it to see why", program.display())]
    Silent {
        /// mutt or NeoMutt.
        program: PathBuf,
        /// How it ended.
        status: ExitStatus,
    },
}

/// What is remembered, and what it depends on.
#[derive(Serialize, Deserialize)]
struct Remembered {
    version: u32,
    stamps: Vec<Stamp>,
    answers: Answers,
}

/// A file as it was.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    /// Seconds and nanoseconds since 1970.
    modified: (u64, u32),
    size: u64,
}

/// What mutt or NeoMutt know, remembered or asked for; `None` where neither is installed, or where
/// nothing is remembered and asking is not allowed.
///
/// # Errors
/// See [`Error`].
pub fn answers(places: &Places, asking: Asking) -> Result<Option<Answers>, Error> {
    let remembered = remembered(places);
    if asking == Asking::Never {
        return Ok(remembered.map(|remembered| remembered.answers));
    }
    let Some(program) = choose(places) else {
        return Ok(None);
    };
    match remembered {
        Some(remembered) if remembered.stamps == stamps(places, &program) => {
            Ok(Some(remembered.answers))
        }
        remembered if asking == Asking::IfHarmless && !is_harmless(places) => {
            Ok(remembered.map(|remembered| remembered.answers))
        }
        _ => ask(places, &program).map(Some),
    }
}

/// Can mutt be asked with nobody there? What the system's rc files run is the distribution's.
fn is_harmless(places: &Places) -> bool {
    let own = mutt_files(places).into_iter().chain(neomutt_files(places));
    harmless::runs_nothing(own.filter(|file| file.exists()).collect(), &places.home)
}

/// Is there a mutt or NeoMutt that could be asked?
pub(super) fn could_be_asked(places: &Places) -> bool {
    choose(places).is_some()
}

/// Asks although nothing seems to have changed, and remembers the answer: for a changed file that an
/// rc file sources.
///
/// # Errors
/// See [`Error`].
pub fn ask_again(places: &Places) -> Result<Option<Answers>, Error> {
    choose(places)
        .map(|program| ask(places, &program))
        .transpose()
}

/// mutt where it has an rc file, else NeoMutt where it has one (it reads mutt's too), else what is
/// installed.
fn choose(places: &Places) -> Option<PathBuf> {
    let has_rc = |files: Vec<PathBuf>| files.iter().any(|file| file.is_file());
    let mutt = places.program("mutt");
    let neomutt = places.program("neomutt");
    if mutt.is_some() && has_rc(mutt_files(places)) {
        return mutt;
    }
    if neomutt.is_some() && (has_rc(neomutt_files(places)) || has_rc(mutt_files(places))) {
        return neomutt;
    }
    mutt.or(neomutt)
}

/// The user's rc files that mutt looks for.
fn mutt_files(places: &Places) -> Vec<PathBuf> {
    let home = &places.home;
    vec![
        home.join(".muttrc"),
        home.join(".mutt/muttrc"),
        places.config_home.join("mutt/muttrc"),
    ]
}

/// The user's rc files that NeoMutt looks for beyond mutt's.
fn neomutt_files(places: &Places) -> Vec<PathBuf> {
    let (home, config) = (&places.home, &places.config_home);
    vec![
        config.join("neomutt/neomuttrc"),
        config.join("neomutt/muttrc"),
        config.join("mutt/neomuttrc"),
        home.join(".neomutt/neomuttrc"),
        home.join(".neomutt/muttrc"),
        home.join(".mutt/neomuttrc"),
        home.join(".neomuttrc"),
    ]
}

/// What the answer depends on: the program and all rc files that exist, those of the system included.
fn stamps(places: &Places, program: &Path) -> Vec<Stamp> {
    let system = ["/etc/Muttrc", "/etc/neomuttrc"].map(PathBuf::from);
    let rc_files = mutt_files(places)
        .into_iter()
        .chain(neomutt_files(places))
        .chain(system);
    std::iter::once(program.to_owned())
        .chain(rc_files)
        .filter_map(stamp)
        .collect()
}

fn stamp(path: PathBuf) -> Option<Stamp> {
    let meta = path.metadata().ok()?;
    let modified = meta
        .modified()
        .ok()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Some(Stamp {
        path,
        modified: (modified.as_secs(), modified.subsec_nanos()),
        size: meta.len(),
    })
}

fn remembered(places: &Places) -> Option<Remembered> {
    let text = fs::read(places.remembered_answers()).ok()?;
    let remembered: Remembered = serde_json::from_slice(&text).ok()?;
    (remembered.version == VERSION).then_some(remembered)
}

/// Runs the program and remembers what it says. Not to be able to remember is no error: mutt is
/// asked again next time.
fn ask(places: &Places, program: &Path) -> Result<Answers, Error> {
    let deadline = Instant::now() + PATIENCE;
    // Read before mutt reads the files: a change in between is then seen the next time.
    let stamps = stamps(places, program);
    let (mut output, status) = query(places, program, &NAMES, deadline)?;
    if answered(&output).is_empty() {
        return Err(Error::Silent {
            program: program.to_owned(),
            status,
        });
    }
    // mutt stops at a name that it does not know, so what is left is asked for one by one.
    for name in NAMES {
        if !answered(&output).contains(&name) {
            output.push_str(&query(places, program, &[name], deadline)?.0);
        }
    }
    let remembered = Remembered {
        version: VERSION,
        stamps,
        answers: Answers::read(&output, &places.home),
    };
    if let Err(error) = remember(places, &remembered) {
        let file = places.remembered_answers();
        tracing::warn!(file = %file.display(), %error, "cannot remember what mutt said");
    }
    Ok(remembered.answers)
}

fn remember(places: &Places, remembered: &Remembered) -> io::Result<()> {
    let text = serde_json::to_vec(remembered)?;
    places.cache_folder()?;
    durable::write(&places.remembered_answers(), &text)
}

/// Runs `mutt -Q NAME -Q NAME ...` in the home folder and returns what it prints. Its standard output
/// is a pipe, because NeoMutt decorates what goes to a terminal.
fn query(
    places: &Places,
    program: &Path,
    names: &[&str],
    deadline: Instant,
) -> Result<(String, ExitStatus), Error> {
    let failed = |source| Error::Run {
        program: program.to_owned(),
        source,
    };
    let mut command = Command::new(program);
    for name in names {
        command.args(["-Q", name]);
    }
    command
        .current_dir(&places.home)
        .env("HOME", &places.home)
        .env("XDG_CONFIG_HOME", &places.config_home)
        .env("PATH", &places.search_path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = command.spawn().map_err(failed)?;
    let output = child.stdout.take().map(read_beside);
    let ended = wait_until(&mut child, deadline);
    if !matches!(ended, Ok(Some(_))) {
        // Already on the way to an error; that the child is gone meanwhile is none.
        let _ = child.kill();
        let _ = child.wait();
    }
    let slow = || Error::Slow {
        program: program.to_owned(),
        seconds: PATIENCE.as_secs(),
    };
    let status = ended.map_err(failed)?.ok_or_else(slow)?;
    Ok((output.map(Output::text).unwrap_or_default(), status))
}

/// How the child ended; `None` if it runs on at the deadline.
fn wait_until(child: &mut Child, deadline: Instant) -> io::Result<Option<ExitStatus>> {
    const LOOK_AGAIN: Duration = Duration::from_millis(3);
    loop {
        match child.try_wait()? {
            None if Instant::now() < deadline => thread::sleep(LOOK_AGAIN),
            ended => return Ok(ended),
        }
    }
}

/// What a child has printed so far, read by a thread so that the child never waits for us.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

fn read_beside(mut pipe: impl Read + Send + 'static) -> Output {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let (sender, end) = mpsc::channel();
    let shared = Arc::clone(&bytes);
    thread::spawn(move || {
        // Dropped with the thread: that is what tells the end.
        let _sender = sender;
        let mut part = [0; 4096];
        while let Ok(read @ 1..) = pipe.read(&mut part) {
            let Ok(mut bytes) = shared.lock() else { break };
            bytes.extend_from_slice(&part[..read]);
            if bytes.len() > MOST_OUTPUT {
                break;
            }
        }
    });
    Output { bytes, end }
}

impl Output {
    /// The text, to be called when the child has ended. The end of the pipe is not waited for long: a
    /// daemon that an rc file started may hold it open for ever.
    fn text(self) -> String {
        const LAST_BYTES: Duration = Duration::from_millis(300);
        let _ = self.end.recv_timeout(LAST_BYTES);
        let bytes = self
            .bytes
            .lock()
            .map(|bytes| bytes.clone())
            .unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A home folder with these executable files in `bin` and these rc files.
    fn home(programs: &[&str], rc_files: &[&str]) -> (tempfile::TempDir, Places) {
        let home = tempfile::tempdir().unwrap();
        let mut places = Places::below(home.path());
        places.search_path = home.path().join("bin").into();
        for name in programs.iter().map(|name| format!("bin/{name}")) {
            write(home.path(), &name, "#!/bin/sh\nexec /bin/sleep 60\n");
        }
        for name in rc_files {
            write(home.path(), name, "");
        }
        (home, places)
    }

    fn write(home: &Path, name: &str, text: &str) {
        let file = home.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[test]
    fn the_reader_with_an_rc_file_is_asked() {
        for (programs, rc_files, chosen) in [
            (
                &["mutt", "neomutt"][..],
                &[".muttrc", ".neomuttrc"][..],
                Some("mutt"),
            ),
            (
                &["mutt", "neomutt"],
                &[".config/neomutt/neomuttrc"],
                Some("neomutt"),
            ),
            (&["mutt", "neomutt"], &[], Some("mutt")),
            (&["neomutt"], &[".mutt/muttrc"], Some("neomutt")),
            (&["mutt"], &[".neomuttrc"], Some("mutt")),
            (&["pine"], &[".muttrc"], None),
        ] {
            let (home, places) = home(programs, rc_files);
            let chosen = chosen.map(|name| home.path().join("bin").join(name));
            assert_eq!(choose(&places), chosen, "{programs:?} {rc_files:?}");
        }
    }

    #[test]
    fn a_program_that_does_not_end_is_stopped() {
        let (_home, places) = home(&["mutt"], &[]);
        let program = choose(&places).unwrap();
        let start = Instant::now();
        let error = query(
            &places,
            &program,
            &["folder"],
            start + Duration::from_millis(100),
        );
        let expected = format!("`{} -Q folder` did not end within 30 s", program.display());
        assert_eq!(error.unwrap_err().to_string(), expected);
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn endless_output_is_cut() {
        let (home, places) = home(&[], &[]);
        write(
            home.path(),
            "bin/mutt",
            "#!/bin/sh\nwhile echo 'folder=\"~/M\"'; do :; done\n",
        );
        let deadline = Instant::now() + Duration::from_secs(20);
        let (output, status) =
            query(&places, &choose(&places).unwrap(), &["folder"], deadline).unwrap();
        assert!(output.len() <= MOST_OUTPUT + 4096);
        assert!(!status.success());
    }

    #[test]
    fn a_changed_link_is_another_file() {
        let (home, places) = home(&["mutt"], &["a", "dotfiles/muttrc"]);
        let program = choose(&places).unwrap();
        let before = stamps(&places, &program);
        symlink(
            home.path().join("dotfiles/muttrc"),
            home.path().join(".muttrc"),
        )
        .unwrap();
        let linked = stamps(&places, &program);
        assert!(before != linked);
        write(home.path(), "dotfiles/muttrc", "longer");
        assert!(linked != stamps(&places, &program));
    }
}
