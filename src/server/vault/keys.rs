//! The sealing keys, from a file or a setting: each line holds an id and a key, the newest last; `,` may stand for the
//! end of a line. They are apart from the database, so that a secret can be read only with both.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{AES_256_GCM, RandomizedNonceKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::domain::secret::Secret;
use crate::server::error::Error;

/// Length of a key: AES-256.
const KEY_BYTES: usize = 32;
/// Maximum length of a key's id.
const ID_CHARS: usize = 32;
/// Maximum length of a file of keys.
const FILE_BYTES: u64 = 64 * 1024;
/// Permission bits that a file of keys must not have: writing by the group, and any access by others.
const OTHERS: u32 = 0o027;

/// The first lines of a new file.
const HEAD: &str = "# Keys that seal the secrets in Refundry's database: an id and a key a line, the newest last. Without\n\
                    # them no secret in the database can be read: keep a copy, apart from the database's backups.\n";

/// Keys of a demonstration without keys of its own. They are published, like the demonstration's secrets.
const PUBLISHED: &str = "published AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// The place from which the keys come.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// A file. It may get new keys while nodes run.
    File(PathBuf),
    /// The text of such a file, given as a setting. It stays the same while a node runs.
    Setting(Secret),
    /// The published keys of a demonstration.
    Published,
}

impl KeySource {
    /// Returns the file, to which keys can be added.
    ///
    /// # Errors
    /// [`KeysError::Setting`] or [`KeysError::Published`] where the keys do not come from a file.
    pub fn file(&self) -> Result<&Path, KeysError> {
        match self {
            KeySource::File(file) => Ok(file),
            KeySource::Setting(_) => Err(KeysError::Setting),
            KeySource::Published => Err(KeysError::Published),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeySource::File(file) => write!(f, "the keys file {}", file.display()),
            KeySource::Setting(_) => f.write_str("REFUNDRY_KEYS"),
            KeySource::Published => f.write_str("the published keys"),
        }
    }
}

/// The reason why no keys are available.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error(
        "the secrets in a PostgreSQL database are sealed by keys that each of its nodes needs, and no file of keys is \
         named: make one by `refundry keys new --keys-file FILE`, and name it to every node by --keys-file or \
         REFUNDRY_KEYS_FILE, or give its text in REFUNDRY_KEYS"
    )]
    NotNamed,
    #[error("the keys file {0} is not there: `refundry keys new --keys-file {0}` makes one")]
    NotThere(PathBuf),
    #[error(
        "the keys file {0} is not there, and the database holds secrets that only its keys open: put it back from \
         the copy that was kept of it"
    )]
    Lost(PathBuf),
    #[error(
        "the key {id} is not in {keys}, and a secret in the database ({place}) is sealed by it: put its line back \
         from the copy that was kept of the keys"
    )]
    Unknown {
        keys: KeySource,
        id: String,
        place: String,
    },
    #[error("the keys file {0} can be read or written by others: chmod 600 {0}")]
    Exposed(PathBuf),
    #[error(
        "line {line} of {keys} is no key: an id of at most 32 letters, digits and -, a space, and 32 bytes in base64"
    )]
    Malformed { keys: KeySource, line: usize },
    #[error("{keys} has two keys of the id {id}")]
    Twice { keys: KeySource, id: String },
    #[error("{0} has no key in it")]
    Empty(KeySource),
    #[error("the keys file {file}: {cause}")]
    File {
        file: PathBuf,
        cause: std::io::Error,
    },
    #[error("the keys of a demonstration are published, and cannot be changed")]
    Published,
    #[error(
        "the keys come from REFUNDRY_KEYS, which only you can change: make a line by `refundry keys new --keys-file FILE`, \
         add it there as the last, start every node again, and run `refundry keys rotate --no-new-key`"
    )]
    Setting,
    #[error(transparent)]
    Database(#[from] Error),
}

/// A sealing key with its id.
pub struct Key {
    pub id: String,
    pub aead: RandomizedNonceKey,
}

/// The sealing keys: at least one, the newest last.
pub struct Keys(Vec<Key>);

impl Keys {
    /// Reads the keys of a source.
    ///
    /// # Errors
    /// [`KeysError::NotThere`], and errors when others can read the file, or a line is not a key.
    pub fn of(source: &KeySource) -> Result<Keys, KeysError> {
        match source {
            KeySource::File(path) => Keys::of_file(path),
            KeySource::Setting(text) => Keys::read(text.reveal(), source),
            KeySource::Published => Keys::read(PUBLISHED, source),
        }
    }

    fn of_file(path: &Path) -> Result<Keys, KeysError> {
        let file = |cause| KeysError::File {
            file: path.to_owned(),
            cause,
        };
        let opened = File::open(path).map_err(|cause| match cause.kind() {
            ErrorKind::NotFound => KeysError::NotThere(path.to_owned()),
            _ => file(cause),
        })?;
        // The lock waits for a key that is being added, so that it is read whole.
        opened.lock_shared().map_err(file)?;
        let mode = opened.metadata().map_err(file)?.permissions().mode();
        if mode & OTHERS != 0 {
            return Err(KeysError::Exposed(path.to_owned()));
        }
        let mut text = Zeroizing::new(String::new());
        opened
            .take(FILE_BYTES)
            .read_to_string(&mut text)
            .map_err(file)?;
        Keys::read(&text, &KeySource::File(path.to_owned()))
    }

    /// Parses a text of keys. Errors name its source.
    fn read(text: &str, source: &KeySource) -> Result<Keys, KeysError> {
        let mut keys: Vec<Key> = Vec::new();
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().starts_with('#'));
        let lines = lines.flat_map(|(at, line)| line.split(',').map(move |line| (at, line.trim())));
        for (at, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let key = Key::read(line).ok_or_else(|| KeysError::Malformed {
                keys: source.clone(),
                line: at + 1,
            })?;
            if keys.iter().any(|known| known.id == key.id) {
                return Err(KeysError::Twice {
                    keys: source.clone(),
                    id: key.id,
                });
            }
            keys.push(key);
        }
        match keys.is_empty() {
            true => Err(KeysError::Empty(source.clone())),
            false => Ok(Keys(keys)),
        }
    }

    /// Returns the key that seals: the newest.
    pub fn newest(&self) -> &Key {
        self.0.last().expect("there is at least one key")
    }

    /// Returns the key with an id.
    pub fn get(&self, id: &str) -> Option<&Key> {
        self.0.iter().find(|key| key.id == id)
    }

    /// Returns the ids of the keys, the newest last.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }
}

impl Key {
    fn read(line: &str) -> Option<Key> {
        let (id, bytes) = line.split_once(' ')?;
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if id.is_empty() || id.len() > ID_CHARS || !id.chars().all(fits) {
            return None;
        }
        let bytes = Zeroizing::new(STANDARD.decode(bytes.trim()).ok()?);
        let aead = RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok()?;
        Some(Key {
            id: id.to_owned(),
            aead,
        })
    }
}

/// Makes a file with one new key, readable by its owner only. Leaves an existing file as it is.
pub fn make_file(path: &Path) -> Result<(), KeysError> {
    let file = |cause| KeysError::File {
        file: path.to_owned(),
        cause,
    };
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Written under a temporary name, so that no reader finds it incomplete.
    let mut made = tempfile::NamedTempFile::new_in(folder).map_err(file)?;
    let (_, line) = new_key();
    made.write_all(HEAD.as_bytes()).map_err(file)?;
    made.write_all(line.as_bytes()).map_err(file)?;
    made.as_file().sync_all().map_err(file)?;
    match made.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => Err(file(error.error)),
        Ok(_) | Err(_) => File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(file),
    }
}

/// Adds a new key to a file, and returns the key's id. The key is on the disk when this returns; before that, nothing
/// may be sealed with it.
pub fn add_to_file(path: &Path) -> Result<String, KeysError> {
    let file = |cause| KeysError::File {
        file: path.to_owned(),
        cause,
    };
    Keys::of_file(path)?;
    let (id, line) = new_key();
    // Written in place, so that the file keeps its owner, permissions and mount.
    let mut opened = OpenOptions::new()
        .append(true)
        .read(true)
        .open(path)
        .map_err(file)?;
    opened.lock().map_err(file)?;
    let mut text = Zeroizing::new(String::new());
    opened.read_to_string(&mut text).map_err(file)?;
    let mut added = Zeroizing::new(String::new());
    if !text.ends_with('\n') {
        added.push('\n');
    }
    added.push_str(&line);
    opened.write_all(added.as_bytes()).map_err(file)?;
    opened.sync_all().map_err(file)?;
    Ok(id)
}

/// Makes a key and returns its id and its line.
fn new_key() -> (String, Zeroizing<String>) {
    let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
    aws_lc_rs::rand::fill(&mut *bytes).expect("the system has random numbers");
    let id = format!("{:08x}", rand::random::<u32>());
    let text = Zeroizing::new(STANDARD.encode(bytes.as_slice()));
    let line = Zeroizing::new(format!("{id} {}\n", text.as_str()));
    (id, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Keys, KeysError> {
        Keys::of(&KeySource::Setting(text.into()))
    }

    #[test]
    fn a_file_is_made_once_for_its_owner_alone_and_keys_are_added_at_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        assert!(matches!(Keys::of_file(&path), Err(KeysError::NotThere(_))));
        make_file(&path).unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let first = Keys::of_file(&path).unwrap().newest().id.clone();
        make_file(&path).unwrap();
        assert_eq!(Keys::of_file(&path).unwrap().newest().id, first);

        // An editor may have removed the end of the last line.
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.trim_end()).unwrap();
        let second = add_to_file(&path).unwrap();
        let keys = Keys::of_file(&path).unwrap();
        assert_eq!(keys.ids().collect::<Vec<_>>(), [&first, &second]);
        assert_eq!(keys.newest().id, second);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keys");
        make_file(&path).unwrap();
        for (mode, fine) in [(0o400, true), (0o640, true), (0o644, false), (0o660, false)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let read = Keys::of_file(&path).map(drop);
            assert_eq!(read.is_ok(), fine, "{mode:o}: {read:?}");
            assert!(fine || read.unwrap_err().to_string().contains("chmod 600"));
        }
    }

    #[test]
    fn a_line_that_is_no_key_is_named_by_its_number_and_not_shown() {
        let (_, good) = new_key();
        for bad in [
            "id",
            "id c2hvcnQ=",
            "i/d AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            " AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            "id AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            let why = read(&format!("# keys\n\n{}{bad}\n", &*good)).map(drop);
            let why = why.unwrap_err().to_string();
            assert!(why.starts_with("line 4 of REFUNDRY_KEYS"), "{bad}: {why}");
            assert!(!why.contains("AAAA") && !why.contains("c2hv"), "{why}");
        }
        let (_, other) = new_key();
        let keys = read(&format!("{},{}", good.trim(), other.trim())).unwrap();
        assert_eq!(keys.ids().count(), 2);
        let twice = read(&format!("{}{}", &*good, &*good));
        assert!(matches!(twice, Err(KeysError::Twice { .. })));
        assert!(matches!(read("# none\n"), Err(KeysError::Empty(_))));
    }
}
