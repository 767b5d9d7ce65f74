//! The database of the index: its form, and everything that is SQL.
//!
//! One row a file. Its key is the number of its folder and a hash of its base name, so that the files of
//! a folder lie side by side and are found by folder or by name; a second order by Message-ID serves the
//! look-up. The Message-ID itself is not kept: each file found is opened and compared.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use super::folder_state::Stamp;

/// Format of the database, in `PRAGMA user_version`.
const FORMAT: i64 = 2;
/// So many bits of a key are the hash of the base name. Two of a million names in one folder share
/// theirs about once in two such folders: the look-up without an index finds what is lost by that.
const NAME_BITS: u32 = 40;
/// How long a look-up waits for a writer. Then it goes on without the index.
const PATIENCE: Duration = Duration::from_millis(100);
/// More files than this are not tried: there is no such number of true copies.
const MOST_HITS: i64 = 500;

const SCHEMA: &str = "
CREATE TABLE folder (
    number INTEGER PRIMARY KEY,
    path BLOB NOT NULL UNIQUE,
    new INTEGER NOT NULL,
    cur INTEGER NOT NULL
) STRICT;
CREATE TABLE message (
    key INTEGER PRIMARY KEY,
    id INTEGER NOT NULL,
    mark INTEGER NOT NULL,
    inode INTEGER NOT NULL,
    name BLOB NOT NULL
) STRICT;
PRAGMA user_version = 2;
";
/// Made after a first filling: sorting once is several times faster than keeping the order.
const BY_ID: &str = "CREATE INDEX IF NOT EXISTS message_by_id ON message (id);";

/// What the index keeps of the number of a file in the file system: by the lowest half it knows a file that was
/// replaced, and a row stays short.
pub(super) fn short(inode: u64) -> i64 {
    i64::from((inode as u32).cast_signed())
}

/// Where a file lies and what it seems to be, in one small number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::maildir) struct Mark {
    /// 0: `new`, 1: `cur`, as in [`crate::maildir::folder::PARTS`].
    pub(in crate::maildir) part: usize,
    /// It shows no trace of a server or a list: the user may have written it.
    pub(in crate::maildir) is_ours: bool,
}

impl Mark {
    fn number(self) -> i64 {
        i64::from(self.part == 1) | i64::from(self.is_ours) << 1
    }

    fn of(number: i64) -> Mark {
        Mark {
            part: usize::from(number & 1 == 1),
            is_ours: number & 2 == 2,
        }
    }
}

/// A file that may carry a wanted Message-ID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::maildir) struct Hit {
    pub(in crate::maildir) folder: PathBuf,
    pub(in crate::maildir) mark: Mark,
    pub(in crate::maildir) name: Vec<u8>,
}

/// A file as the index has seen it last.
pub(super) struct Seen<'a> {
    pub(super) part: usize,
    /// Of its number in the file system what [`short`] leaves.
    pub(super) inode: i64,
    pub(super) name: &'a [u8],
}

/// A folder as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) number: i64,
    pub(super) stamps: [Stamp; 2],
}

/// The key of a file.
pub(super) fn key(folder: i64, base: &[u8]) -> i64 {
    let hash = hash(base) >> (64 - NAME_BITS);
    folder << NAME_BITS | hash.cast_signed()
}

/// What stands for a Message-ID; never 0, which stands for none.
pub(super) fn id(message_id: &str) -> i64 {
    match hash(message_id.as_bytes()) {
        0 => 1,
        hash => hash.cast_signed(),
    }
}

/// FNV-1a with the last mixing of `MurmurHash3`: the same in every version of this program. Collisions
/// may be made at will and do no harm.
fn hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in bytes {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ hash >> 33).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ hash >> 33
}

/// Is the database itself at fault, so that it has to go? Not where it is only busy or out of reach.
pub(super) fn is_broken(error: &rusqlite::Error) -> bool {
    !matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::SystemIoFailure
                | ErrorCode::DiskFull
                | ErrorCode::OutOfMemory
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::OperationInterrupted
        )
    )
}

/// An open database.
#[derive(Debug)]
pub(super) struct Store {
    db: Connection,
}

impl Store {
    /// Opens it for look-ups: nothing is written, no file is made beside it.
    pub(super) fn open_to_look(path: &Path) -> rusqlite::Result<Store> {
        let store = Store::connect_to_look(path)?;
        store.demand_format()?;
        Ok(store)
    }

    fn connect_to_look(path: &Path) -> rusqlite::Result<Store> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Store {
            db: Connection::open_with_flags(path, flags)?,
        };
        store.db.busy_timeout(PATIENCE)?;
        Ok(store)
    }

    /// Opens it to bring it up to date.
    pub(super) fn open(path: &Path) -> rusqlite::Result<Store> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let store = Store {
            db: Connection::open_with_flags(path, flags)?,
        };
        store.demand_format()?;
        Ok(store)
    }

    /// Makes a new one in an empty file, which nobody else reads until [`Store::finish`].
    pub(super) fn create(path: &Path) -> rusqlite::Result<Store> {
        let db = Connection::open(path)?;
        db.execute_batch(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-1000;",
        )?;
        db.execute_batch(SCHEMA)?;
        Ok(Store { db })
    }

    /// Ends the first filling.
    pub(super) fn finish(&self) -> rusqlite::Result<()> {
        self.db.execute_batch(BY_ID)
    }

    fn demand_format(&self) -> rusqlite::Result<()> {
        let found: i64 = self
            .db
            .query_row("PRAGMA user_version", [], |row| row.get(0))?;
        match found {
            FORMAT => Ok(()),
            _ => Err(rusqlite::Error::InvalidQuery),
        }
    }

    /// The files with this Message-ID, those that seem to be ours first. `None`: too many to try.
    pub(super) fn hits(path: &Path, message_id: &str) -> rusqlite::Result<Option<Vec<Hit>>> {
        let store = Store::connect_to_look(path)?;
        // One transaction: the file is locked, and looked at for a crash of its last writer, once.
        let _together = store.db.unchecked_transaction()?;
        store.demand_format()?;
        store.hits_in_order(message_id)
    }

    fn hits_in_order(&self, message_id: &str) -> rusqlite::Result<Option<Vec<Hit>>> {
        let mut statement = self.db.prepare(
            "SELECT folder.path, message.mark, message.name FROM message \
             JOIN folder ON folder.number = message.key >> ?1 WHERE message.id = ?2 LIMIT ?3",
        )?;
        let rows = statement.query_map(params![NAME_BITS, id(message_id), MOST_HITS], |row| {
            Ok(Hit {
                folder: path(row.get_ref(0)?.as_blob()?),
                mark: Mark::of(row.get(1)?),
                name: row.get(2)?,
            })
        })?;
        let mut hits = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        if hits.len() as i64 == MOST_HITS {
            return Ok(None);
        }
        hits.sort_by_key(|hit| !hit.mark.is_ours);
        Ok(Some(hits))
    }

    /// All folders.
    pub(super) fn folders(&self) -> rusqlite::Result<Vec<(PathBuf, Known)>> {
        let mut statement = self
            .db
            .prepare("SELECT path, number, new, cur FROM folder")?;
        let rows = statement.query_map([], |row| {
            let known = Known {
                number: row.get(1)?,
                stamps: [Stamp(row.get(2)?), Stamp(row.get(3)?)],
            };
            Ok((path(row.get_ref(0)?.as_blob()?), known))
        })?;
        rows.collect()
    }

    /// The folder at `path`.
    pub(super) fn folder(&self, path: &Path) -> rusqlite::Result<Option<Known>> {
        self.db
            .query_row(
                "SELECT number, new, cur FROM folder WHERE path = ?1",
                [path.as_os_str().as_bytes()],
                |row| {
                    Ok(Known {
                        number: row.get(0)?,
                        stamps: [Stamp(row.get(1)?), Stamp(row.get(2)?)],
                    })
                },
            )
            .optional()
    }

    /// Adds a folder that has not been looked at.
    pub(super) fn add_folder(&self, path: &Path) -> rusqlite::Result<Known> {
        self.db.execute(
            "INSERT INTO folder (path, new, cur) VALUES (?1, 0, 0)",
            [path.as_os_str().as_bytes()],
        )?;
        Ok(Known {
            number: self.db.last_insert_rowid(),
            stamps: [Stamp::NEVER; 2],
        })
    }

    /// Forgets a folder and all files in it.
    pub(super) fn remove_folder(&self, number: i64) -> rusqlite::Result<()> {
        self.together(|| {
            self.db.execute(
                "DELETE FROM message WHERE key BETWEEN ?1 AND ?2",
                params![key_range(number).0, key_range(number).1],
            )?;
            self.db
                .execute("DELETE FROM folder WHERE number = ?1", [number])?;
            Ok(())
        })
    }

    /// What the folder was like when all of its files were in the index.
    pub(super) fn set_stamps(&self, folder: &Known) -> rusqlite::Result<()> {
        self.db.execute(
            "UPDATE folder SET new = ?2, cur = ?3 WHERE number = ?1",
            params![folder.number, folder.stamps[0].0, folder.stamps[1].0],
        )?;
        Ok(())
    }

    /// Shows the files of a folder in the order of their keys.
    pub(super) fn each_file(
        &self,
        folder: i64,
        mut see: impl FnMut(i64, Seen<'_>),
    ) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare_cached(
            "SELECT key, mark, inode, name FROM message WHERE key BETWEEN ?1 AND ?2 ORDER BY key",
        )?;
        let (first, last) = key_range(folder);
        let mut rows = statement.query([first, last])?;
        while let Some(row) = rows.next()? {
            let seen = Seen {
                part: Mark::of(row.get(1)?).part,
                inode: row.get(2)?,
                name: row.get_ref(3)?.as_blob()?,
            };
            see(row.get(0)?, seen);
        }
        Ok(())
    }

    /// Looks at the file with this key.
    pub(super) fn file<T>(
        &self,
        key: i64,
        look: impl FnOnce(Seen<'_>) -> T,
    ) -> rusqlite::Result<Option<T>> {
        let mut statement = self
            .db
            .prepare_cached("SELECT mark, inode, name FROM message WHERE key = ?1")?;
        let looked = statement.query_row([key], |row| {
            Ok(look(Seen {
                part: Mark::of(row.get(0)?).part,
                inode: row.get(1)?,
                name: row.get_ref(2)?.as_blob()?,
            }))
        });
        looked.optional()
    }

    /// Adds a file, or replaces what stood under its key.
    pub(super) fn put(
        &self,
        key: i64,
        id: i64,
        mark: Mark,
        inode: u64,
        name: &[u8],
    ) -> rusqlite::Result<()> {
        let mut statement = self
            .db
            .prepare_cached("INSERT OR REPLACE INTO message VALUES (?1, ?2, ?3, ?4, ?5)")?;
        statement.execute(params![key, id, mark.number(), short(inode), name])?;
        Ok(())
    }

    /// The file with this key is called otherwise now.
    pub(super) fn rename(&self, key: i64, part: usize, name: &[u8]) -> rusqlite::Result<()> {
        let mut statement = self.db.prepare_cached(
            "UPDATE message SET mark = (mark & 2) | ?2, name = ?3 WHERE key = ?1",
        )?;
        statement.execute(params![key, i64::from(part == 1), name])?;
        Ok(())
    }

    /// The file with this key is gone.
    pub(super) fn remove(&self, key: i64) -> rusqlite::Result<()> {
        let mut statement = self
            .db
            .prepare_cached("DELETE FROM message WHERE key = ?1")?;
        statement.execute([key])?;
        Ok(())
    }

    /// Does all of it or nothing.
    pub(super) fn together(
        &self,
        work: impl FnOnce() -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let transaction = self.db.unchecked_transaction()?;
        work()?;
        transaction.commit()
    }

    /// How many files it holds.
    pub(super) fn len(&self) -> rusqlite::Result<u64> {
        let count: i64 = self
            .db
            .query_row("SELECT count(*) FROM message", [], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// What SQLite finds wrong with the file, in its own words.
    pub(super) fn fault(&self) -> rusqlite::Result<Option<String>> {
        let said: String = self
            .db
            .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        Ok((said != "ok").then_some(said))
    }
}

fn key_range(folder: i64) -> (i64, i64) {
    (folder << NAME_BITS, ((folder + 1) << NAME_BITS) - 1)
}

fn path(bytes: &[u8]) -> PathBuf {
    OsStr::from_bytes(bytes).into()
}
