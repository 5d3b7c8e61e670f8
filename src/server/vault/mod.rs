//! Secrets at rest: sealed with AES-256-GCM under keys that are not in the database.
//!
//! A sealed secret is the text `v1.KEY.NONCE.CIPHERTEXT`, the last two in base64. It can be opened only for the table,
//! column and row that it was sealed for. The newest key seals; all keys open.

mod keys;
mod reseal;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::aead::{Aad, Nonce};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::domain::secret::{Sealed, Secret};
use crate::server::db::Db;
use crate::server::error::{Error, Result};
use crate::server::store::sealed::SealedColumn;

use keys::{Key, Keys};
pub use keys::{KeySource, KeysError, add_to_file, make_file};
pub use reseal::{reseal, sealed_by};

/// Version of the format that is written.
const VERSION: &str = "v1";

/// Seals and opens secrets. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    source: KeySource,
    /// The keys as last read.
    keys: RwLock<Arc<Keys>>,
}

impl From<KeysError> for Error {
    fn from(error: KeysError) -> Error {
        match error {
            KeysError::Database(error) => error,
            error => Error::Internal(Arc::new(error)),
        }
    }
}

impl Vault {
    /// Makes a vault with the keys of a source.
    pub fn of(source: KeySource) -> Result<Vault, KeysError> {
        let keys = Keys::of(&source)?;
        Ok(Vault(Arc::new(Inner {
            source,
            keys: RwLock::new(Arc::new(keys)),
        })))
    }

    /// Makes a vault with the keys of a file.
    pub fn of_file(file: &Path) -> Result<Vault, KeysError> {
        Vault::of(KeySource::File(file.to_owned()))
    }

    /// Makes the vault of a demonstration or a test, with the published keys.
    pub fn published() -> Vault {
        Vault::of(KeySource::Published).expect("the published keys are keys")
    }

    /// Makes a vault from a file of keys, which is created if it does not exist. It is not created for a database that
    /// holds sealed secrets already, whose keys must be elsewhere.
    pub async fn of_new_file(file: &Path, db: &Db) -> Result<Vault, KeysError> {
        match Vault::of_file(file) {
            Err(KeysError::NotThere(_)) if !sealed_by(db).await?.is_empty() => {
                Err(KeysError::Lost(file.to_owned()))
            }
            Err(KeysError::NotThere(_)) => {
                keys::make_file(file)?;
                Vault::of_file(file)
            }
            opened => opened,
        }
    }

    /// Refuses a database with a secret whose sealing key is missing.
    pub async fn check(&self, db: &Db) -> Result<(), KeysError> {
        let keys = self.keys();
        for (id, (place, _)) in sealed_by(db).await? {
            // A text that is not sealed makes only its own row unusable.
            if !id.is_empty() && keys.get(&id).is_none() {
                return Err(self.unknown(&id, place));
            }
        }
        Ok(())
    }

    /// Returns the ids of the keys as the source has them now, the newest last.
    pub fn ids(&self) -> Result<Vec<String>, KeysError> {
        Ok(self.read_again()?.ids().map(str::to_owned).collect())
    }

    /// Adds a new key to the file and returns its id.
    pub fn add_key(&self) -> Result<String, KeysError> {
        add_to_file(self.0.source.file()?)
    }

    /// Seals a secret for a column and the row with this key. The file of keys is read first, so that an added key is
    /// used at once.
    pub fn seal(&self, column: &SealedColumn, row: &[&str], secret: &Secret) -> Result<Sealed> {
        let keys = self.read_again()?;
        let Key { id, aead } = keys.newest();
        let aad = Aad::from(place(column, row));
        let mut text = Zeroizing::new(secret.reveal().as_bytes().to_vec());
        // Room for the tag is reserved in advance: a buffer that grew would leave plain text behind in memory.
        let mut sealed = Vec::with_capacity(text.len() + aead.algorithm().tag_len());
        sealed.append(&mut text);
        let nonce = aead
            .seal_in_place_append_tag(aad, &mut sealed)
            .map_err(|_| Error::internal("a secret could not be sealed"))?;
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (nonce, sealed) = (base64(nonce.as_ref()), base64(&sealed));
        Ok(Sealed(format!("{VERSION}.{id}.{nonce}.{sealed}")))
    }

    /// Opens a text that was sealed for a column and the row with this key. Where its sealing key is not known, the
    /// file of keys is read again, as the key may have been added since.
    ///
    /// # Errors
    /// An internal error when the sealing key is missing, or the text was changed or sealed for another place.
    pub fn open(&self, column: &SealedColumn, row: &[&str], sealed: &Sealed) -> Result<Secret> {
        let wrong = |why: &str| {
            let place = shown(column, row);
            Error::internal(format!("the sealed secret of {place} {why}"))
        };
        let blob = Blob::read(sealed).ok_or_else(|| wrong("cannot be read"))?;
        let mut keys = self.keys();
        if keys.get(blob.key).is_none() {
            keys = self.read_again()?;
        }
        let key = keys
            .get(blob.key)
            .ok_or_else(|| self.unknown(blob.key, shown(column, row)))?;
        let mut bytes = Zeroizing::new(blob.ciphertext);
        let opened = key
            .aead
            .open_in_place(blob.nonce, Aad::from(place(column, row)), &mut bytes)
            .map_err(|_| wrong("was changed, or sealed for another place"))?;
        let text = std::str::from_utf8(opened).map_err(|_| wrong("is not a text"))?;
        Ok(Secret::from(text))
    }

    fn keys(&self) -> Arc<Keys> {
        let keys = self.0.keys.read();
        keys.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys again, where they come from a file.
    fn read_again(&self) -> Result<Arc<Keys>, KeysError> {
        if !matches!(self.0.source, KeySource::File(_)) {
            return Ok(self.keys());
        }
        let keys = Arc::new(Keys::of(&self.0.source)?);
        let mut known = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        *known = keys.clone();
        Ok(keys)
    }

    fn unknown(&self, id: &str, place: String) -> KeysError {
        KeysError::Unknown {
            keys: self.0.source.clone(),
            id: id.to_owned(),
            place,
        }
    }
}

/// Returns the place of a secret as it is bound to the ciphertext. Each part is preceded by its length, so that no two
/// places give the same text.
fn place(column: &SealedColumn, row: &[&str]) -> String {
    let parts = [VERSION, column.table, column.column];
    let parts = parts.iter().chain(row);
    parts.map(|part| format!("{}:{part}", part.len())).collect()
}

/// Returns the place of a secret in a readable form.
fn shown(column: &SealedColumn, row: &[&str]) -> String {
    format!("{}.{} {}", column.table, column.column, row.join(" "))
}

/// The parts of a sealed text.
struct Blob<'a> {
    key: &'a str,
    nonce: Nonce,
    ciphertext: Vec<u8>,
}

impl Blob<'_> {
    fn read(sealed: &Sealed) -> Option<Blob<'_>> {
        let mut parts = sealed.0.split('.');
        let (version, key) = (parts.next()?, parts.next()?);
        let mut bytes = || URL_SAFE_NO_PAD.decode(parts.next()?).ok();
        let (nonce, ciphertext) = (bytes()?, bytes()?);
        if version != VERSION || parts.next().is_some() {
            return None;
        }
        Some(Blob {
            key,
            nonce: Nonce::try_assume_unique_for_key(&nonce).ok()?,
            ciphertext,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::sealed::APP_SECRET;

    const SECRET: &str = "horse-battery-staple";
    const OTHER_TABLE: SealedColumn = SealedColumn {
        table: "channel_account",
        ..APP_SECRET
    };
    const OTHER_COLUMN: SealedColumn = SealedColumn {
        column: "notify_url",
        ..APP_SECRET
    };

    fn sealed(vault: &Vault) -> Sealed {
        vault
            .seal(&APP_SECRET, &["SHOP"], &Secret::from(SECRET))
            .unwrap()
    }

    #[test]
    fn a_secret_opens_at_its_own_place_only() {
        let vault = Vault::published();
        let blob = sealed(&vault);
        let opened = vault.open(&APP_SECRET, &["SHOP"], &blob).unwrap();
        assert!(opened.is(SECRET));
        assert!(!blob.0.contains(SECRET) && blob.0.starts_with("v1.published."));
        assert_ne!(blob, sealed(&vault), "each sealing has its own nonce");
        for (column, row) in [
            (&APP_SECRET, &["SHOP2"][..]),
            (&APP_SECRET, &["SH", "OP"]),
            (&APP_SECRET, &[]),
            (&OTHER_TABLE, &["SHOP"]),
            (&OTHER_COLUMN, &["SHOP"]),
        ] {
            let why = vault.open(column, row, &blob).unwrap_err().to_string();
            assert!(
                why.contains("another place") && !why.contains("horse"),
                "{why}"
            );
        }
    }

    #[test]
    fn a_sealed_text_that_was_changed_does_not_open() {
        let vault = Vault::published();
        let blob = sealed(&vault).0;
        for at in 0..blob.len() {
            let mut bytes = blob.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            let changed = Sealed(String::from_utf8(bytes).unwrap());
            let opened = vault.open(&APP_SECRET, &["SHOP"], &changed);
            assert!(opened.is_err(), "changed at {at}");
        }
        for cut in 0..blob.len() {
            let cut = Sealed(blob[..cut].to_owned());
            assert!(vault.open(&APP_SECRET, &["SHOP"], &cut).is_err());
        }
        for wrong in [
            SECRET.to_owned(),
            String::new(),
            format!("{blob}.x"),
            blob.replace("v1", "v2"),
        ] {
            assert!(vault.open(&APP_SECRET, &["SHOP"], &Sealed(wrong)).is_err());
        }
    }

    #[test]
    fn the_newest_key_seals_and_all_open_and_a_key_that_is_added_is_known_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys");
        make_file(&file).unwrap();
        let (vault, other) = (
            Vault::of_file(&file).unwrap(),
            Vault::of_file(&file).unwrap(),
        );
        let old = sealed(&vault);
        let added = vault.add_key().unwrap();
        let new = sealed(&vault);
        assert!(new.0.contains(&added) && !old.0.contains(&added));
        // A second vault stands for another process.
        for blob in [&old, &new] {
            assert!(other.open(&APP_SECRET, &["SHOP"], blob).unwrap().is(SECRET));
        }

        std::fs::remove_file(&file).unwrap();
        make_file(&file).unwrap();
        let why = Vault::of_file(&file).unwrap();
        let why = why.open(&APP_SECRET, &["SHOP"], &new).unwrap_err();
        let why = why.to_string();
        assert!(why.contains(&format!("the key {added} is not")), "{why}");
    }
}
