//! What the server offers in EHLO, and what we ask of it in MAIL and RCPT.
//!
//! A parameter goes out only where the server lists its extension. What the message cannot do
//! without is an error where it is missing, before anything is sent.

use std::borrow::Cow;

use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter, RcptParameter};

use super::{Envelope, Error, Reply, Server, wire};
use crate::message::header;
use crate::message::recipients::in_ascii;

/// The lines of EHLO (RFC 5321 section 4.1.1.1). Keywords have no case.
#[derive(Default)]
pub(super) struct Features(Vec<String>);

impl Features {
    /// From the reply to EHLO, whose first line is a greeting.
    pub(super) fn new(reply: &Reply) -> Features {
        Features(reply.lines().iter().skip(1).cloned().collect())
    }

    /// Does the server list `keyword`?
    pub(super) fn has(&self, keyword: &str) -> bool {
        self.get(keyword).next().is_some()
    }

    /// The names of the login mechanisms.
    pub(super) fn mechanisms(&self) -> Vec<&str> {
        self.get("AUTH").flat_map(str::split_whitespace).collect()
    }

    /// The parameters of MAIL: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531), and for
    /// notices, by default without our text, with our ID RET and ENVID (RFC 3461 section 4). Or what the
    /// server lacks.
    pub(super) fn mail_parameters(
        &self,
        server: &Server,
        envelope: &Envelope,
        message: &[u8],
    ) -> Result<Vec<MailParameter>, Error> {
        let size = wire::length(message);
        let mut parameters = Vec::new();
        if self.has("SIZE") {
            if let Some(limit) = self.size().filter(|&limit| size > limit) {
                return Err(Error::TooLarge {
                    server: server.to_string(),
                    size,
                    limit,
                });
            }
            parameters.push(MailParameter::Size(
                usize::try_from(size).unwrap_or(usize::MAX),
            ));
        }
        if !message.is_ascii() {
            if !self.has("8BITMIME") {
                return Err(Error::NoEightBit(server.to_string()));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let is_international = |address: &str| !self.spelled(address).is_ascii();
        let mut addresses = envelope.recipients().iter().map(String::as_str);
        if is_international(envelope.sender())
            || addresses.any(is_international)
            || has_utf8_header(message)
        {
            if !self.has("SMTPUTF8") {
                return Err(Error::NoUtf8(server.to_string()));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if self.has("DSN") {
            for (keyword, value) in [("RET", envelope.returns()), ("ENVID", envelope.id())] {
                let (keyword, value) = (keyword.to_owned(), Some(value.to_owned()));
                parameters.push(MailParameter::Other { keyword, value });
            }
        }
        Ok(parameters)
    }

    /// The address as this server takes it. Without SMTPUTF8 (RFC 6531) the domain goes out in A-labels, which leave
    /// it the same.
    pub(super) fn spelled<'a>(&self, address: &'a str) -> Cow<'a, str> {
        match address.is_ascii() || self.has("SMTPUTF8") {
            true => address.into(),
            false => in_ascii(address).map_or(address.into(), Cow::Owned),
        }
    }

    /// The parameters of RCPT: by default we want to hear of failures and delays, with the address that we
    /// used (RFC 3461 section 4). `recipient` is [spelled](Features::spelled) for the server.
    pub(super) fn rcpt_parameters(
        &self,
        envelope: &Envelope,
        recipient: &str,
    ) -> Vec<RcptParameter> {
        if !self.has("DSN") {
            return Vec::new();
        }
        [
            ("NOTIFY", envelope.notify().to_owned()),
            ("ORCPT", original_recipient(recipient)),
        ]
        .map(|(keyword, value)| RcptParameter::Other {
            keyword: keyword.to_owned(),
            value: Some(value),
        })
        .into()
    }

    /// The parameters of `keyword`, line by line. `AUTH=LOGIN` is how servers of before RFC 2554
    /// wrote it; some write both forms.
    fn get(&self, keyword: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(move |line| {
            let (name, rest) = line.split_at(line.find([' ', '=']).unwrap_or(line.len()));
            name.eq_ignore_ascii_case(keyword)
                .then(|| rest.trim_matches([' ', '=']))
        })
    }

    /// The largest message in bytes; `None` where there is no limit (RFC 1870 section 4).
    fn size(&self) -> Option<u64> {
        self.get("SIZE")
            .next()?
            .parse()
            .ok()
            .filter(|&limit| limit > 0)
    }
}

/// Is there text in the header block that only SMTPUTF8 allows (RFC 6531 section 3.4)? Bytes that
/// are not UTF-8 are none: no extension covers them, and servers pass them on as 8-bit text.
fn has_utf8_header(message: &[u8]) -> bool {
    let header = &message[..header::length(message)];
    !header.is_ascii() && std::str::from_utf8(header).is_ok()
}

/// The value of ORCPT before xtext: `rfc822;` and the address, or for an address that is not ASCII
/// `utf-8;` in the form that survives 7-bit transport (utf-8-addr-xtext, RFC 6533 section 3).
fn original_recipient(recipient: &str) -> String {
    if recipient.is_ascii() {
        return format!("rfc822;{recipient}");
    }
    let mut value = "utf-8;".to_owned();
    for c in recipient.chars() {
        match c {
            '\\' | '+' | '=' => value.push_str(&format!("\\x{{{:02X}}}", c as u32)),
            c if c.is_ascii() => value.push(c),
            c => value.push_str(&format!("\\x{{{:X}}}", c as u32)),
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_have_no_case() {
        let lines = [
            "size 1000",
            "Dsn",
            "AUTH=LOGIN",
            "auth PLAIN  LOGIN",
            "8BitMime",
            "DSNX y",
        ];
        let features = Features(lines.map(str::to_owned).to_vec());
        assert_eq!(features.size(), Some(1000));
        assert!(features.has("DSN") && features.has("8BITMIME") && !features.has("SMTPUTF8"));
        assert_eq!(features.mechanisms(), ["LOGIN", "PLAIN", "LOGIN"]);
        for unlimited in ["SIZE", "SIZE 0", "SIZE many"] {
            assert_eq!(Features(vec![unlimited.to_owned()]).size(), None);
        }
    }

    #[test]
    fn original_recipients() {
        assert_eq!(
            original_recipient("al+ice@example.net"),
            "rfc822;al+ice@example.net"
        );
        assert_eq!(
            original_recipient("gr\u{fc}+n\\@ex\u{1f40c}.test"),
            "utf-8;gr\\x{FC}\\x{2B}n\\x{5C}@ex\\x{1F40C}.test"
        );
    }

    #[test]
    fn which_headers_need_smtputf8() {
        assert!(has_utf8_header("Subject: gr\u{fc}n\n\nx".as_bytes()));
        assert!(!has_utf8_header("Subject: x\n\ngr\u{fc}n".as_bytes()));
        assert!(!has_utf8_header(b"Subject: gr\xfcn\n\nx"));
    }
}
