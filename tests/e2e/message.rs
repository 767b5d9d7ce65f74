//! Just enough of RFC 5322 to compare two messages whose lines end with CRLF.

/// The fields of the header as they stand, folds included, without the last line end.
pub(crate) fn fields(message: &[u8]) -> Vec<String> {
    let (header, _) = split(message);
    let mut fields: Vec<String> = Vec::new();
    for line in String::from_utf8_lossy(header)
        .split("\r\n")
        .filter(|line| !line.is_empty())
    {
        match fields.last_mut() {
            Some(field) if line.starts_with([' ', '\t']) => {
                field.push_str("\r\n");
                field.push_str(line);
            }
            _ => fields.push(line.into()),
        }
    }
    fields
}

/// What follows the empty line.
pub(crate) fn body(message: &[u8]) -> &[u8] {
    split(message).1
}

/// The first field that no server on the way has put on top.
pub(crate) fn first_after_trace(message: &[u8]) -> String {
    fields(message)
        .into_iter()
        .find(|field| !field.starts_with("Received:"))
        .expect("a field that is no trace field")
}

/// The value of a field that stands there exactly once.
pub(crate) fn value(message: &[u8], name: &str) -> String {
    let fields = fields(message);
    let mut values = fields.iter().filter_map(|field| {
        let (its_name, value) = field.split_once(':')?;
        its_name
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    });
    let value = values
        .next()
        .unwrap_or_else(|| panic!("no {name} in {fields:?}"));
    assert_eq!(values.next(), None, "{name} stands there twice");
    value
}

fn split(message: &[u8]) -> (&[u8], &[u8]) {
    let end = message
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .expect("an empty line");
    (&message[..end], &message[end + 4..])
}
