//! Emacs with `contrib/emacs`: notmuch, mu4e and Gnus, and the messages that it sends.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::desk::{self, Desk, NOTICE, QUESTION};
use crate::terminal::Terminal;

/// Stands in the text of the notice.
const TEXT: &str = "This is the mail system";

#[test]
#[ignore = "needs Emacs: tests/run"]
fn it_compiles_without_a_warning() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tls-optout.el");
    fs::copy(desk::contrib("emacs/tls-optout.el"), &file).expect("a copy");
    let output = Command::new("emacs")
        .args(["-Q", "--batch", "-f", "batch-byte-compile"])
        .arg(&file)
        .output()
        .expect("Emacs");
    assert!(output.status.success(), "{output:?}");
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("Warning"),
        "{output:?}"
    );
}

#[test]
#[ignore = "needs Emacs: tests/run"]
fn notmuch() {
    let desk = Desk::new();
    desk.write(
        ".notmuch-config",
        &format!(
            "[database]\npath={}/Mail\n[user]\nprimary_email=alice@example.org\n",
            desk.home().display()
        ),
    );
    desk.run("notmuch new");
    let screen = open(
        &desk,
        "(require 'notmuch)",
        "(notmuch-tree \"subject:delayed\")",
    );
    screen.wait_for(NOTICE);
    say_no(&screen);
    screen.wait_for("notmuch-tree");
    evaluate(&screen, "(notmuch-search \"subject:delayed\")");
    screen.wait_until("the list", |text| {
        text.contains("(notmuch-search)") && text.contains("End of search results.")
    });
    // With the form above the point is not at the first.
    screen.press("<");
    screen.press_key("Enter");
    screen.wait_for(TEXT);
    say_yes(&screen);
    screen.wait_for(TEXT);
    desk.assert_resent();
}

#[test]
#[ignore = "needs Emacs: tests/run"]
fn mu4e() {
    let desk = Desk::new();
    desk.run("mu init --quiet --maildir ~/Mail --my-address alice@example.org && mu index --quiet");
    let screen = open(
        &desk,
        "(require 'mu4e)\n(setq mu4e-sent-folder \"/Sent\" mu4e-drafts-folder \"/Drafts\" mu4e-trash-folder \"/Drafts\")",
        "(mu4e)",
    );
    screen.wait_for("[s]earch");
    screen.press("s");
    screen.wait_for("Search for:");
    screen.press("subject:delayed");
    screen.press_key("Enter");
    screen.wait_for(NOTICE);
    say_no(&screen);
    screen.wait_for(NOTICE);
    screen.press_key("Enter");
    screen.wait_for(TEXT);
    say_yes(&screen);
    screen.wait_for(TEXT);
    desk.assert_resent();
}

#[test]
#[ignore = "needs Emacs: tests/run"]
fn gnus() {
    let desk = Desk::new();
    let set_up = "(setq gnus-select-method '(nnmaildir \"\" (directory \"~/Mail\"))
      gnus-read-newsrc-file nil gnus-save-newsrc-file nil)";
    let screen = open(&desk, set_up, "(gnus)");
    screen.wait_for("INBOX");
    screen.press_key("Enter");
    screen.wait_for(NOTICE);
    say_no(&screen);
    screen.wait_for(NOTICE);
    screen.press_key("Enter");
    screen.wait_for(TEXT);
    // From the list to the article.
    screen.press("h");
    say_yes(&screen);
    screen.wait_for(TEXT);
    desk.assert_resent();
}

#[test]
#[ignore = "needs Emacs: tests/run"]
fn the_opt_out_by_a_key_and_by_the_cookie() {
    let desk = Desk::new();
    fs::create_dir_all(desk.home().join(".local/lib")).expect("a folder");
    symlink(
        env!("CARGO_BIN_EXE_tls-optout"),
        desk.home().join(".local/lib/sendmail"),
    )
    .expect("a link");
    let set_up = [
        "(setq message-send-mail-function #'message-send-mail-with-sendmail",
        "sendmail-program (expand-file-name \"~/.local/lib/sendmail\"))",
    ]
    .map(desk::recipe)
    .join(" ");
    let write = "(defun write-to-carol (subject)
      (message-mail \"carol@example.com\" subject)
      (message-goto-body)
      (insert \"Hello\"))";
    let screen = open(&desk, &(set_up + write), "(write-to-carol \"Lunch\")");
    screen.wait_for("Subject: Lunch");
    for fields in [1, 0, 1] {
        screen.press_key("C-c");
        screen.press("t");
        screen.wait_until("the field", |text| {
            text.matches("TLS-Required: No").count() == fields
        });
    }
    send(&screen);
    for subject in ["[tls-optout] Dinner", "Tea"] {
        evaluate(&screen, &format!("(write-to-carol \"{subject}\")"));
        screen.wait_for(&format!("Subject: {subject}"));
        send(&screen);
    }
    let [lunch, dinner, tea] = &desk.received()[..] else {
        panic!("not three messages")
    };
    desk::assert_written(lunch, "Lunch", "Hello");
    desk::assert_written(dinner, "Dinner", "Hello");
    desk::assert_without(tea);
}

/// Emacs with the lines of the recipe and these in its init file, and then this.
fn open(desk: &Desk, set_up: &str, then: &str) -> Terminal {
    let folder = desk::contrib("emacs");
    let path = format!("(add-to-list 'load-path {folder:?})");
    let lines = [
        &*path,
        "(setq native-comp-deferred-compilation nil inhibit-startup-screen t)",
        "(setq user-mail-address \"alice@example.org\" user-full-name \"Alice\")",
        desk::recipe("(require 'tls-optout)"),
        desk::recipe("(global-set-key (kbd \"C-c t\") #'tls-optout-resend)"),
        desk::recipe("(define-key message-mode-map (kbd \"C-c t\") #'tls-optout-toggle)"),
        set_up,
    ];
    desk.write(".emacs", &(lines.join("\n") + "\n"));
    desk.write("then.el", then);
    desk.terminal("emacs --load then.el")
}

fn send(screen: &Terminal) {
    screen.press_key("C-c");
    screen.press_key("C-c");
    screen.wait_for("Sending...done");
}

fn evaluate(screen: &Terminal, form: &str) {
    screen.press_key("M-:");
    screen.wait_for("Eval:");
    screen.press(form);
    screen.press_key("Enter");
}

fn ask(screen: &Terminal) {
    screen.press_key("C-c");
    screen.press("t");
    screen.wait_for(QUESTION);
}

fn say_no(screen: &Terminal) {
    ask(screen);
    screen.press("n");
    screen.wait_until("no question", |text| !text.contains(QUESTION));
}

fn say_yes(screen: &Terminal) {
    ask(screen);
    screen.press("y");
    let text = screen.wait_for("Press q to go back");
    assert!(text.contains("accepted"), "{text}");
    screen.press("q");
}
