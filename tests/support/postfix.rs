//! A real Postfix of a test's own: its own folder, queue, ports and users, on 127.0.0.1 only.
//!
//! The programs come from a Debian root folder that `tests/run` makes (`TLS_OPTOUT_TEST_ROOT`), so
//! the host needs no mail server and none of its files is touched. Postfix runs in a process
//! namespace of its own, which ends with the test, however the test ends. All this needs root.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use crate::wait::{PATIENCE, poll};

/// The one user of the server: mailbox and login name.
pub(crate) const USER: &str = "alice@example.org";
/// The password of [`USER`].
pub(crate) const PASSWORD: &str = "open sesame";

/// The owner of the mailboxes; no user of the host.
const MAILBOX_UID: u32 = 5000;

/// Where the mail of a domain goes, and how much TLS Postfix asks for on the way.
pub(crate) struct Route {
    /// The domain of the recipients.
    pub(crate) domain: &'static str,
    /// The server that takes their mail.
    pub(crate) server: SocketAddr,
    /// A level of `smtp_tls_policy_maps`: `encrypt` defers where TLS is missing, `may` does not.
    pub(crate) tls: &'static str,
}

/// A running Postfix. Dropping it stops every process and removes its folder.
pub(crate) struct Postfix {
    namespace: Child,
    root: PathBuf,
    /// The folder as Postfix sees it, below `root`.
    folder: String,
    /// The submission port that demands STARTTLS.
    pub(crate) starttls_port: u16,
    /// The submission port with TLS from the first byte.
    pub(crate) implicit_tls_port: u16,
}

impl Postfix {
    /// Starts a server and waits until it answers. `honours`: it acts on `TLS-Required: No`.
    pub(crate) fn start(routes: &[Route], honours: bool) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let root = PathBuf::from(std::env::var_os("TLS_OPTOUT_TEST_ROOT").expect(
            "TLS_OPTOUT_TEST_ROOT names the folder with Postfix; tests/run makes and sets it",
        ));
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = format!("/srv/{}-{number}", process::id());
        let [starttls_port, implicit_tls_port] = free_ports(number);

        let settings = main_cf(&folder, routes, honours);
        write_configuration(
            &root,
            &folder,
            &settings,
            [starttls_port, implicit_tls_port],
        );
        let mut postfix = Self {
            namespace: start_in_namespace(&root, &folder),
            root,
            folder,
            starttls_port,
            implicit_tls_port,
        };
        postfix.wait_until_it_answers();
        postfix
    }

    /// The user's mailbox: a Maildir.
    pub(crate) fn mailbox(&self) -> PathBuf {
        self.host_folder().join("mail/alice/Maildir")
    }

    /// The certificate (PEM) that the user's programs have to trust.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.host_folder().join("pki/ca.pem")
    }

    /// The mail log so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.host_folder().join("mail.log")).unwrap_or_default()
    }

    /// How many messages the user has submitted with a login so far.
    pub(crate) fn submissions(&self) -> usize {
        self.log().matches(&format!("sasl_username={USER}")).count()
    }

    fn host_folder(&self) -> PathBuf {
        below(&self.root, &self.folder)
    }

    fn wait_until_it_answers(&mut self) {
        for port in [self.starttls_port, self.implicit_tls_port] {
            let answer = poll(|| {
                let over = self.namespace.try_wait().expect("the state of a child");
                let open = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
                (over.is_some() || open).then_some(over)
            });
            assert!(answer == Some(None), "Postfix did not start: {answer:?}");
        }
        let plain = TcpStream::connect((Ipv4Addr::LOCALHOST, self.starttls_port))
            .expect("a connection to Postfix");
        plain
            .set_read_timeout(Some(PATIENCE))
            .expect("a time limit");
        let mut greeting = String::new();
        BufReader::new(plain)
            .read_line(&mut greeting)
            .expect("the greeting of Postfix");
        assert!(greeting.starts_with("220 mail.example.org"), "{greeting:?}");
    }

    /// The processes that work in the server's folder.
    fn processes(&self) -> Vec<PathBuf> {
        let folder = self.host_folder();
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|process| {
                fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(&folder))
            })
            .collect()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // The death of the namespace's first process ends all others in it.
        let _ = self.namespace.kill();
        let _ = self.namespace.wait();
        let gone = poll(|| self.processes().is_empty().then_some(()));
        if std::thread::panicking() {
            eprintln!("--- the log of Postfix ---\n{}---", self.log());
        }
        let _ = fs::remove_dir_all(self.host_folder());
        if gone.is_none() && !std::thread::panicking() {
            panic!("processes of Postfix survive: {:?}", self.processes());
        }
    }
}

/// `folder`, an absolute path inside `root`, as the host sees it.
fn below(root: &Path, folder: &str) -> PathBuf {
    root.join(folder.trim_start_matches('/'))
}

/// Two ports that nobody listens on. They lie below the range from which the system takes ports for
/// outgoing connections, and start at another place in each test, since tests run side by side.
fn free_ports(number: u32) -> [u16; 2] {
    let start = u16::try_from((process::id() + number) % 1000).expect("below 1000") * 10;
    let mut free = (20_000 + start..32_000)
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
    [(); 2].map(|()| free.next().expect("a free port"))
}

fn start_in_namespace(root: &Path, folder: &str) -> Child {
    let output = fs::File::create(below(root, folder).join("start.log")).expect("a log file");
    // setpriv ends unshare should this process be killed, and unshare ends the namespace's first
    // process with itself. That one is a shell: Postfix, which changes its user, would lose the
    // link.
    Command::new("setpriv")
        .args([
            "--pdeathsig",
            "KILL",
            "unshare",
            "--pid",
            "--fork",
            "--kill-child",
        ])
        .args(["sh", "-c", "\"$@\"; exit", "sh", "chroot"])
        .arg(root)
        .args([
            "/usr/sbin/postfix",
            "-c",
            &format!("{folder}/etc"),
            "start-fg",
        ])
        .stdin(Stdio::null())
        .stdout(output.try_clone().expect("a second handle"))
        .stderr(output)
        .spawn()
        .expect("setpriv, unshare and chroot of Debian")
}

fn write_configuration(root: &Path, folder: &str, settings: &str, ports: [u16; 2]) {
    let host = below(root, folder);
    for part in ["etc/sasl", "spool", "data", "pki", "mail/alice"] {
        fs::create_dir_all(host.join(part)).expect("a folder for Postfix");
    }
    for part in ["", "/cur", "/new", "/tmp"] {
        fs::create_dir_all(host.join(format!("mail/alice/Maildir{part}"))).expect("a Maildir");
        chown(
            host.join(format!("mail/alice/Maildir{part}")),
            Some(MAILBOX_UID),
            Some(MAILBOX_UID),
        )
        .expect("the right to give away a folder: these tests need root");
    }
    let write = |name: &str, text: &str| fs::write(host.join(name), text).expect(name);
    let (ca, chain) = certificates();
    write("pki/ca.pem", &ca);
    write("pki/chain.pem", &chain);
    write("etc/main.cf", settings);
    write("etc/master.cf", &master_cf(ports));
    write(
        "etc/sasl/smtpd.conf",
        &format!(
            "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nmech_list: PLAIN LOGIN\n\
             sasldb_path: {folder}/sasldb2\n"
        ),
    );
    in_root(
        root,
        &format!(
            "cd {folder} && saslpasswd2 -f sasldb2 -p -c -u example.org alice && \
             chgrp postfix sasldb2 && chmod 640 sasldb2 && chmod 600 pki/chain.pem && \
             chown postfix data"
        ),
        PASSWORD,
    );
}

/// Runs a shell command inside the root folder.
fn in_root(root: &Path, command: &str, input: &str) {
    let mut child = Command::new("chroot")
        .arg(root)
        .args(["/bin/sh", "-c", command])
        .stdin(Stdio::piped())
        .spawn()
        .expect("chroot of Debian");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input.as_bytes()).expect("a reader");
    drop(stdin);
    let status = child.wait().expect("the end of a child");
    assert!(status.success(), "{command}: {status}");
}

/// The settings, for a server that never asks the DNS. It takes no field out of a message, so that
/// one which should not have been submitted, such as `Bcc`, is seen at the recipient.
fn main_cf(folder: &str, routes: &[Route], honours: bool) -> String {
    let honours = if honours { "yes" } else { "no" };
    let mut transport = String::new();
    let mut policy = String::new();
    for Route {
        domain,
        server,
        tls,
    } in routes
    {
        let server = format!("[{}]:{}", server.ip(), server.port());
        write!(transport, " {{ {domain} = smtp:{server} }}").expect("memory");
        write!(policy, " {{ {server} = {tls} }}").expect("memory");
    }
    format!(
        "compatibility_level = 3.10
queue_directory = {folder}/spool
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
myhostname = mail.example.org
myorigin = example.org
mydestination =
mynetworks =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
disable_dns_lookups = yes
smtp_host_lookup = native
virtual_mailbox_domains = example.org
virtual_mailbox_maps = inline:{{ {{ {USER} = alice/Maildir/ }} }}
virtual_mailbox_base = {folder}/mail
virtual_uid_maps = static:{MAILBOX_UID}
virtual_gid_maps = static:{MAILBOX_UID}
transport_maps = inline:{{{transport} }}
smtp_tls_policy_maps = inline:{{{policy} }}
smtp_tls_security_level = may
tls_required_enable = {honours}
smtpd_tls_chain_files = {folder}/pki/chain.pem
smtpd_sasl_type = cyrus
smtpd_sasl_path = smtpd
cyrus_sasl_config_path = {folder}/etc/sasl
smtpd_relay_restrictions = permit_sasl_authenticated, reject
message_drop_headers =
delay_warning_time = 1s
queue_run_delay = 2s
minimal_backoff_time = 300s
maximal_backoff_time = 600s
"
    )
}

/// The services that a submission server needs, none of them with a chroot of Postfix's own.
/// `bounce` and `defer` print the waiting times of an ordinary server, whatever main.cf says for
/// this test.
fn master_cf([starttls, implicit]: [u16; 2]) -> String {
    const SERVICES: &str = "
cleanup    unix       n - n -     0 cleanup
qmgr       unix       n - n 300   1 qmgr
tlsmgr     unix       - - n 1000? 1 tlsmgr
rewrite    unix       - - n -     - trivial-rewrite
bounce     unix       - - n -     0 bounce
    -o delay_warning_time=4h -o maximal_queue_lifetime=5d
defer      unix       - - n -     0 bounce
    -o delay_warning_time=4h -o maximal_queue_lifetime=5d
trace      unix       - - n -     0 bounce
flush      unix       n - n 1000? 0 flush
proxymap   unix       - - n -     - proxymap
smtp       unix       - - n -     - smtp
showq      unix       n - n -     - showq
error      unix       - - n -     - error
retry      unix       - - n -     - error
virtual    unix       - n n -     - virtual
anvil      unix       - - n -     1 anvil
scache     unix       - - n -     1 scache
postlog    unix-dgram n - n -     1 postlogd
";
    format!(
        "127.0.0.1:{starttls} inet n - n - - smtpd
    -o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes
127.0.0.1:{implicit} inet n - n - - smtpd
    -o smtpd_tls_wrappermode=yes -o smtpd_sasl_auth_enable=yes{SERVICES}"
    )
}

/// A certification authority, and a key with a certificate for `localhost` made by it; both PEM.
fn certificates() -> (String, String) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    authority
        .distinguished_name
        .push(DnType::CommonName, "Test authority");
    let authority_key = KeyPair::generate().expect("a key");
    let ca = authority
        .self_signed(&authority_key)
        .expect("a certificate")
        .pem();
    let issuer = Issuer::new(authority, authority_key);

    let mut server = CertificateParams::new([String::from("localhost")]).expect("a name");
    server
        .distinguished_name
        .push(DnType::CommonName, "localhost");
    let key = KeyPair::generate().expect("a key");
    let certificate = server
        .signed_by(&key, &issuer)
        .expect("a certificate")
        .pem();
    (ca, key.serialize_pem() + &certificate)
}
