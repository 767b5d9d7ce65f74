//! What the messages say: headers as servers and mail readers write them, and text in words of an
//! invented language whose words are as unevenly frequent as those of a real one.

use std::fmt::Write;

use crate::layout::{Message, Trap};
use crate::{OWNER, mixed};

/// How many words the language has.
const WORDS: u64 = 30_000;

/// Random numbers, the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        mixed(self.0) % bound
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// Writes messages, one after the other.
pub(crate) struct Writer<'a> {
    words: &'a [String],
    random: Random,
    text: String,
}

impl<'a> Writer<'a> {
    /// One that knows these words: [`words`].
    pub(crate) fn new(words: &'a [String]) -> Self {
        Self {
            words,
            random: Random(0),
            text: String::new(),
        }
    }

    /// The bytes of a message.
    pub(crate) fn write(&mut self, message: &Message) -> &[u8] {
        self.text.clear();
        self.random = Random(mixed(message.number));
        match message.trap() {
            Some((Trap::Notice, about)) => self.notice(message, &about),
            Some((Trap::Reply, about)) => self.received(message, Some(&about)),
            Some((Trap::Draft, about)) => self.own(&about),
            Some((Trap::ListCopy, about)) => {
                self.trace("me-list@example.com");
                self.list("2015");
                self.own(&about);
            }
            None if message.is_own() => self.own(message),
            None => {
                let cited = self.random.one_in(3).then(|| message.cited());
                self.received(message, cited.as_ref());
            }
        }
        self.text.as_bytes()
    }

    /// As mutt writes it.
    fn own(&mut self, message: &Message) {
        // A draft and the list's copy say the same.
        self.random = Random(mixed(message.number));
        let (to, subject) = (self.name(), self.phrase(6));
        let (date, id) = (message.date(), message.id());
        self.push(format_args!(
            "Date: {date}\nFrom: Me Myself <{OWNER}>\nTo: Bob <bob@example.net>, {to} <{to}@example.net>\nSubject: {subject}\n\
             Message-ID: <{id}>\n"
        ));
        if self.random.one_in(2) {
            let parent = mixed(self.random.below(u64::MAX));
            self.push(format_args!(
                "References: <{parent:x}@example.net>\nIn-Reply-To: <{parent:x}@example.net>\n"
            ));
        }
        self.text.push_str(
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Disposition: inline\n\
             Content-Transfer-Encoding: 8bit\nUser-Agent: Mutt/2.2.13 (2024-03-09)\n\n",
        );
        self.body();
    }

    fn received(&mut self, message: &Message, cited: Option<&Message>) {
        let sender = self.name();
        self.trace(&format!("{sender}@example.net"));
        if let Some(list) = message.list() {
            self.list(list);
        }
        self.letter(&sender, &message.date(), &message.id(), cited);
    }

    /// What the sender of a received message has written.
    fn letter(&mut self, sender: &str, date: &str, id: &str, cited: Option<&Message>) {
        let subject = self.phrase(7);
        self.push(format_args!(
            "From: {sender} <{sender}@example.net>\nTo: <{OWNER}>\nDate: {date}\nSubject: {subject}\n"
        ));
        match self.random.below(8) {
            0 => self.push(format_args!("Message-Id:\n\t<{id}>\n")),
            1 => self.push(format_args!("Message-id:  <{id}>\n")),
            _ => self.push(format_args!("Message-ID: <{id}>\n")),
        }
        if let Some(cited) = cited.map(Message::id) {
            let before = mixed(self.random.below(u64::MAX));
            self.push(format_args!(
                "In-Reply-To: <{cited}>\nReferences: <{before:016x}@example.com>\n\t<{cited}>\n"
            ));
        }
        self.text.push_str(
            "MIME-Version: 1.0\nContent-Type: text/plain; charset=\"utf-8\"\nContent-Language: en-GB\n\
             X-Mailer: Letters 16.0\n\n",
        );
        self.body();
    }

    /// What servers put before a message: enough that the Message-ID comes late, in one message of
    /// twenty behind the first 4 KiB.
    fn trace(&mut self, sender: &str) {
        self.push(format_args!(
            "Return-Path: <{sender}>\nDelivered-To: {OWNER}\n"
        ));
        for hop in 0..2 + self.random.below(3) {
            let queue = self.random.below(1 << 40);
            self.push(format_args!(
                "Received: from mx{hop}.example.net (mx{hop}.example.net [192.0.2.{hop}])\n\
                 \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\
                 \t key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256)\n\
                 \tby mail{hop}.example.org (Postfix) with ESMTPS id {queue:010X}\n\
                 \tfor <{OWNER}>; Fri, 14 Jul 2017 02:40:00 +0000 (UTC)\n"
            ));
        }
        if self.random.one_in(20) {
            for instance in 1..=2 {
                self.encoded(
                    format_args!(
                        "ARC-Seal: i={instance}; a=rsa-sha256; d=example.com; cv=pass; b="
                    ),
                    340,
                );
                self.encoded(
                    format_args!(
                        "ARC-Message-Signature: i={instance}; a=rsa-sha256; c=relaxed/relaxed; b="
                    ),
                    640,
                );
                self.encoded(format_args!("X-Exchange-Diagnostics: {instance};"), 1_200);
            }
        }
        self.encoded(
            format_args!(
                "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.net; s=2024; \
                 h=From:To:Date:Subject;\n\tb="
            ),
            340,
        );
        self.text.push_str(
            "Authentication-Results: mail.example.org; dkim=pass header.d=example.net; spf=pass\n\
             X-Spam-Status: No, score=-2.1 required=5.0 tests=BAYES_00,DKIM_VALID\n",
        );
    }

    fn list(&mut self, list: &str) {
        self.push(format_args!(
            "List-Id: <l{list}.example.com>\nList-Post: <mailto:l{list}@example.com>\n\
             List-Unsubscribe: <https://lists.example.com/l{list}>\nPrecedence: list\n"
        ));
    }

    /// A notice about a message, whose header it returns.
    fn notice(&mut self, message: &Message, about: &Message) {
        let (id, date) = (message.id(), message.date());
        self.trace("");
        self.push(format_args!(
            "From: MAILER-DAEMON@mail.example.org\nTo: {OWNER}\nSubject: Delayed Mail (still being retried)\n\
             Date: {date}\nMessage-Id: <{id}>\nMIME-Version: 1.0\n\
             Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
             --b\nContent-Type: text/plain\n\nThis is the mail system at host mail.example.org.\n\n\
             --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n\n\
             Final-Recipient: rfc822; bob@example.net\nAction: delayed\nStatus: 4.7.5\n\n\
             --b\nContent-Type: text/rfc822-headers\n\n"
        ));
        self.own(about);
        self.text.push_str("\n--b--\n");
    }

    /// Most messages are short; some quote a lot, a few carry an attachment.
    fn body(&mut self) {
        let words = match self.random.below(100) {
            0 => 200,
            1..=5 => 1_200,
            _ => 20 + self.random.below(220),
        };
        let mut width = 0;
        for _ in 0..words {
            // Squared twice: a word is the more frequent the smaller its number.
            let at = self.random.below(1 << 16).pow(2) >> 16;
            let word = &self.words[((at.pow(2) * WORDS) >> 32) as usize];
            width += word.len() + 1;
            self.text.push_str(word);
            self.text.push(if width > 68 { '\n' } else { ' ' });
            if width > 68 {
                width = 0;
            }
        }
        self.text.push('\n');
        if words == 200 {
            self.encoded(format_args!("begin-base64 644 picture.jpeg\n"), 30_000);
        }
    }

    /// `length` characters in lines, as base64 looks.
    fn encoded(&mut self, start: std::fmt::Arguments, length: usize) {
        self.push(start);
        for at in 0..length.div_ceil(12) {
            if at > 0 && at % 6 == 0 {
                self.text.push_str("\n\t");
            }
            let random = self.random.below(1 << 48);
            self.push(format_args!("{random:012X}"));
        }
        self.text.push('\n');
    }

    fn phrase(&mut self, words: u64) -> String {
        let words: Vec<&str> = (0..1 + self.random.below(words))
            .map(|_| self.random.below(WORDS))
            .map(|index| self.words[index as usize].as_str())
            .collect();
        words.join(" ")
    }

    fn name(&mut self) -> String {
        let name = self.random.below(2_000);
        self.words[name as usize].clone()
    }

    fn push(&mut self, text: std::fmt::Arguments) {
        self.text.write_fmt(text).expect("memory takes all text");
    }
}

/// A message that arrives now.
pub(crate) fn received_now(id: &str, number: u64) -> Vec<u8> {
    let words = words();
    let mut writer = Writer::new(&words);
    writer.random = Random(mixed(number));
    writer.trace("bob@example.net");
    writer.letter("bob", "Tue, 24 Mar 2026 12:00:00 +0000", id, None);
    writer.text.into_bytes()
}

/// The words of the language, the most frequent first.
pub(crate) fn words() -> Vec<String> {
    (0..WORDS).map(word).collect()
}

/// A word of two to four syllables.
fn word(number: u64) -> String {
    const SYLLABLES: [&str; 32] = [
        "ba", "bel", "co", "da", "den", "do", "fa", "fir", "ga", "go", "hal", "in", "ka", "ko",
        "la", "lin", "ma", "mer", "mo", "na", "no", "ol", "pa", "ra", "ren", "sa", "sul", "ta",
        "tor", "un", "va", "zi",
    ];
    let random = mixed(number);
    (0..2 + random % 3)
        .map(|at| SYLLABLES[(random >> (8 + 5 * at)) as usize % SYLLABLES.len()])
        .collect()
}
