//! A notification on the desktop, by the protocol of <https://specifications.freedesktop.org/notification-spec/>.
//!
//! A click sends nothing: `Review` opens the offer in a terminal, `Dismiss` is the user's no.

use std::collections::HashMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use zbus::MatchRule;
use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, MessageIterator};
use zbus::message::{Message, Type};
use zbus::names::MemberName;
use zbus::zvariant::Value;

use crate::notice::provenance::Provenance;
use crate::terminal::{fit, shown};

use super::super::Event;
use super::window::Opener;
use super::{Telling, Tidings};

/// How long to wait for more of what came with the first, so that many are told in one notification.
pub(super) const GATHER: Duration = Duration::from_millis(100);
/// Of more than so many at once only the number is told.
const MOST: usize = 3;
/// A notification server that hangs.
const PATIENCE: Duration = Duration::from_secs(10);
/// Columns of a line of a notification.
const COLUMNS: usize = 200;

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What stands on the desktop.
#[derive(Default)]
struct Shown {
    /// The server that shows it, by its unique name on the bus: another begins anew with its numbers.
    server: String,
    /// Which offer a notification tells of; `None` is all of them.
    offers: HashMap<u32, Option<i64>>,
    /// There will be no more.
    is_over: bool,
}

fn lock(shown: &Mutex<Shown>) -> MutexGuard<'_, Shown> {
    shown.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The notifications of this daemon.
pub(super) struct Desktop {
    opener: Opener,
    events: Sender<Event>,
    bus: Option<Bus>,
    has_said: bool,
}

struct Bus {
    connection: Connection,
    shown: Arc<Mutex<Shown>>,
}

impl Desktop {
    pub(super) fn new(opener: Opener, events: Sender<Event>) -> Desktop {
        Desktop {
            opener,
            events,
            bus: None,
            has_said: false,
        }
    }

    /// Shows them. Without a desktop, as before the user has logged in, they are told later.
    pub(super) fn tell(&mut self, all: &[Tidings]) -> Vec<Telling> {
        if all.len() > MOST {
            let summary = format!("{} messages are delayed by broken TLS", all.len());
            let body = format!("`{} offers` lists them.", crate::cli::NAME);
            return vec![self.show(&summary, &body, None); all.len()];
        }
        let show = |one: &Tidings| {
            let summary = format!("Mail to {} is delayed", who(one));
            let mut causes: Vec<_> = one
                .recipients
                .iter()
                .map(|(_, cause)| shown(cause))
                .collect();
            causes.dedup();
            let doubt = match one.provenance {
                Provenance::Unverified => {
                    "\nNothing shows that your own mail server says so: it may be forged."
                }
                _ => "",
            };
            let body = format!(
                "{}\n{}{doubt}",
                fit(&shown(&one.subject), COLUMNS),
                fit(&causes.join("; "), COLUMNS)
            );
            self.show(&fit(&summary, COLUMNS), &body, Some(one.offer))
        };
        all.iter().map(show).collect()
    }

    fn show(&mut self, summary: &str, body: &str, offer: Option<i64>) -> Telling {
        // A connection that is kept may have ended with the session.
        for _ in 0..2 {
            let was_new = self.bus.is_none();
            let shown = self.bus().and_then(|bus| bus.notify(summary, body, offer));
            match shown {
                Ok(()) => return Telling::Done,
                Err(error) => {
                    // An answer shows that the connection is good.
                    let is_answer = matches!(error, zbus::Error::MethodError(..));
                    if !is_answer {
                        self.bus = None;
                    }
                    if is_answer || was_new {
                        self.say(&error);
                        break;
                    }
                }
            }
        }
        Telling::Later
    }

    fn say(&mut self, error: &zbus::Error) {
        if !self.has_said {
            self.has_said = true;
            tracing::info!(
                "no desktop to tell of offers ({error}); they are told there once it comes"
            );
        }
    }

    fn bus(&mut self) -> zbus::Result<&Bus> {
        let bus = match self.bus.take() {
            Some(bus) => bus,
            None => self.connect()?,
        };
        Ok(self.bus.insert(bus))
    }

    fn connect(&self) -> zbus::Result<Bus> {
        let connection = Builder::session()?.method_timeout(PATIENCE).build()?;
        let shown = Arc::<Mutex<Shown>>::default();
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(NAME)?
            .interface(NAME)?
            .path(PATH)?
            .build();
        let signals = MessageIterator::for_match_rule(rule, &connection, None)?;
        let listener = Listener {
            shown: Arc::clone(&shown),
            opener: self.opener.clone(),
            events: self.events.clone(),
        };
        thread::spawn(move || listener.listen(signals));
        Ok(Bus { connection, shown })
    }
}

impl Bus {
    fn notify(&self, summary: &str, body: &str, offer: Option<i64>) -> zbus::Result<()> {
        let connection = &self.connection;
        // Each time: another server may have come.
        let reply = connection.call_method(Some(NAME), PATH, Some(NAME), "GetCapabilities", &())?;
        let capabilities: Vec<String> = reply.body().deserialize()?;
        let has = |name: &str| capabilities.iter().any(|one| one == name);
        let body = match has("body-markup") {
            true => escaped(body),
            false => body.to_owned(),
        };
        let actions: &[&str] = match (has("actions"), offer) {
            (false, _) => &[],
            (true, None) => &["default", "Review", "review", "Review"],
            (true, Some(_)) => &[
                "default", "Review", "review", "Review", "dismiss", "Dismiss",
            ],
        };
        let hints = HashMap::from([
            ("category", Value::from("email")),
            ("urgency", Value::from(1_u8)),
        ]);
        // The number comes with the reply, and a click may come before we have kept it: it waits for this lock.
        let mut shown = lock(&self.shown);
        let message = (
            crate::cli::NAME,
            0_u32,
            "mail-message-new",
            summary,
            &*body,
            actions,
            hints,
            -1_i32,
        );
        let reply = connection.call_method(Some(NAME), PATH, Some(NAME), "Notify", &message)?;
        let number: u32 = reply.body().deserialize()?;
        let server = sender(&reply);
        if shown.server != server {
            (shown.server, shown.offers) = (server, HashMap::new());
        }
        shown.offers.insert(number, offer);
        Ok(())
    }
}

/// The listener holds the connection too, and needs it as long as something is shown that may be clicked on.
impl Drop for Bus {
    fn drop(&mut self) {
        let mut shown = lock(&self.shown);
        shown.is_over = true;
        if shown.offers.is_empty() {
            let _ = self.connection.clone().close();
        }
    }
}

/// Hears what the user does with the notifications.
struct Listener {
    shown: Arc<Mutex<Shown>>,
    opener: Opener,
    events: Sender<Event>,
}

impl Listener {
    /// Until the connection ends, or nothing is shown any more.
    fn listen(&self, signals: MessageIterator) {
        for message in signals.flatten() {
            if lock(&self.shown).server != sender(&message) {
                continue;
            }
            let header = message.header();
            let body = message.body();
            match header.member().map(MemberName::as_str) {
                Some("ActionInvoked") => {
                    if let Ok((number, action)) = body.deserialize::<(u32, &str)>() {
                        self.act(number, action);
                    }
                }
                Some("NotificationClosed") => {
                    if let Ok((number, _)) = body.deserialize::<(u32, u32)>() {
                        self.forget(number);
                    }
                }
                _ => {}
            }
            let shown = lock(&self.shown);
            if shown.is_over && shown.offers.is_empty() {
                return;
            }
        }
    }

    fn act(&self, number: u32, action: &str) {
        // A click on what is no notification of ours means nothing.
        let Some(offer) = self.forget(number) else {
            return;
        };
        match (action, offer) {
            ("default" | "review", offer) => self.opener.review(offer),
            ("dismiss", Some(offer)) => {
                let _ = self.events.send(Event::Dismiss(offer));
            }
            _ => {}
        }
    }

    fn forget(&self, number: u32) -> Option<Option<i64>> {
        lock(&self.shown).offers.remove(&number)
    }
}

/// The unique name of the connection that a message comes from.
fn sender(message: &Message) -> String {
    let header = message.header();
    header.sender().map(ToString::to_string).unwrap_or_default()
}

/// "bob@example.net", or "bob@example.net and 2 more".
fn who(tidings: &Tidings) -> String {
    match &tidings.recipients[..] {
        [] => String::new(),
        [(one, _)] => shown(one),
        [(first, _), rest @ ..] => format!("{} and {} more", shown(first), rest.len()),
    }
}

/// What a server that takes markup in the body does not take for it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_markup() {
        let text = "<b>&amp;</b> <img src=\"x\"/>";
        let safe = "&lt;b&gt;&amp;amp;&lt;/b&gt; &lt;img src=\"x\"/&gt;";
        assert_eq!(escaped(text), safe);
    }
}
