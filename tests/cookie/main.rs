//! The subject cookie: exact bytes for a table of subjects, and what holds for any.

mod decoder;
mod property;
mod table;

use tls_optout::message::cookie::Cookie;

const COOKIE: Cookie<'static> = Cookie {
    text: "[tls-optout]",
    in_replies: false,
};
