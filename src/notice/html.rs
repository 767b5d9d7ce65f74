//! HTML as lines of text: only so far that addresses and phrases are found.

use mail_parser::decoders::html::html_to_text;

/// A tag that starts one of these starts a line too.
const BLOCKS: [&str; 12] = [
    "p", "div", "tr", "td", "th", "li", "h1", "h2", "h3", "h4", "table", "pre",
];

/// What a reader would see, one line for each block.
pub(super) fn text(html: &str) -> String {
    let mut marked = String::with_capacity(html.len() + html.len() / 8);
    let mut preformatted = false;
    let mut rest = html;
    while let Some(at) = rest.find(['<', '\n']) {
        marked.push_str(&rest[..at]);
        rest = &rest[at..];
        if rest.starts_with('\n') {
            marked.push_str(if preformatted { "<br>" } else { "\n" });
            rest = &rest[1..];
            continue;
        }
        let name = rest[1..].trim_start_matches('/');
        let closes = name.len() < rest.len() - 1;
        let end = name
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(name.len());
        let name = &name[..end];
        if BLOCKS.iter().any(|block| name.eq_ignore_ascii_case(block)) {
            marked.push_str("<br>");
        }
        if name.eq_ignore_ascii_case("pre") {
            preformatted = !closes;
        }
        marked.push('<');
        rest = &rest[1..];
    }
    marked.push_str(rest);
    html_to_text(&marked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_lines() {
        let html = "<html><head><title>x</title></head><body><div>Sorry,&nbsp;no.</div><TABLE><tr><td>\n\
            <b>bob@example.net</b></td></tr></TABLE><pre>one\ntwo</pre>three\nfour</body></html>";
        let lines: Vec<String> = text(html)
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        assert_eq!(
            lines,
            [
                "Sorry,\u{a0}no.",
                "bob@example.net",
                "one",
                "two",
                "three four"
            ]
        );
    }

    #[test]
    fn broken_html_is_no_harm() {
        for html in [
            "<",
            "</",
            "<p",
            "&",
            "&#x;",
            "<pre>\n",
            "<!--",
            "\u{e9}<\u{e9}>",
        ] {
            let _ = text(html);
        }
    }
}
