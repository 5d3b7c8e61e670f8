//! Passwords: hashed with Argon2id, in bounded memory.
//!
//! All hashing is done by one thread of its own, in memory that it keeps: logins that come together
//! wait for each other instead of each taking its share. The cost is as strong as the usual 19 MiB
//! with two passes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::oneshot;

use crate::domain::error::Refusal;
use crate::server::error::{Error, Result};

const MEMORY_KIB: u32 = 9 * 1024;
const PASSES: u32 = 4;

/// So many passwords wait to be hashed; further ones are told to come back.
const WAITING: usize = 64;

/// Hashes a password with a new salt, as a PHC string.
///
/// # Errors
/// [`Refusal::Overloaded`].
pub async fn hash(password: String) -> Result<String> {
    let hashed = hashing(move |memory| {
        let salt = Salt::generate();
        let params = Params::new(MEMORY_KIB, PASSES, 1, None)?;
        let output = digest(
            &password,
            &salt,
            Algorithm::Argon2id,
            Version::V0x13,
            &params,
            memory,
        )?;
        Ok(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params)?,
            salt: Some(salt),
            hash: Some(output),
        }
        .to_string())
    });
    hashed.await?.map_err(broken)
}

/// Whether a password has this hash. Without a hash it has none, which takes as long to find.
///
/// # Errors
/// [`Refusal::Overloaded`]; a hash that cannot be read.
pub async fn fits(password: String, hash: Option<String>) -> Result<bool> {
    let fits = hashing(move |memory| {
        let nobodys = hash.is_none();
        let hash = PasswordHash::new(&hash.unwrap_or_else(nobodys_hash))?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Ok(false);
        };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str())?;
        let version = hash.version.map(Version::try_from).transpose()?;
        let params = Params::try_from(&hash)?;
        let version = version.unwrap_or_default();
        let output = digest(&password, salt, algorithm, version, &params, memory)?;
        // Outputs compare in constant time.
        Ok(output == *expected && !nobodys)
    });
    fits.await?.map_err(broken)
}

/// A hash of the usual cost that no known password has.
fn nobodys_hash() -> String {
    let (salt, output) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${output}")
}

fn digest(
    password: &str,
    salt: &Salt,
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    memory: &mut Vec<Block>,
) -> argon2::password_hash::Result<Output> {
    memory.resize(params.block_count(), Block::new());
    let length = params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let argon2 = Argon2::new(algorithm, version, params.clone());
    let mut buffer = [0; Output::MAX_LENGTH];
    let out = buffer
        .get_mut(..length)
        .ok_or(argon2::password_hash::Error::OutputSize)?;
    argon2.hash_password_into_with_memory(password.as_bytes(), salt, out, memory.as_mut_slice())?;
    Ok(Output::new(out)?)
}

fn broken(error: argon2::password_hash::Error) -> Error {
    Error::internal(format!("a password cannot be hashed: {error}"))
}

/// Runs work on the thread that hashes.
async fn hashing<T: Send + 'static>(
    work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
) -> Result<T> {
    type Work = Box<dyn FnOnce(&mut Vec<Block>) + Send>;
    static QUEUE: LazyLock<SyncSender<Work>> = LazyLock::new(|| {
        let (queue, waiting) = sync_channel::<Work>(WAITING);
        let run = move || {
            let mut memory = Vec::new();
            for work in waiting {
                // Whoever waits for it hears that it ended; the next one's turn comes.
                let _ = catch_unwind(AssertUnwindSafe(|| work(&mut memory)));
            }
        };
        let started = thread::Builder::new()
            .name("passwords".to_owned())
            .spawn(run);
        started.expect("a thread can be started");
        queue
    });
    let (reply, done) = oneshot::channel();
    let work = Box::new(move |memory: &mut Vec<Block>| {
        if !reply.is_closed() {
            let _ = reply.send(work(memory));
        }
    });
    QUEUE.try_send(work).map_err(|_| Refusal::Overloaded)?;
    let done = done.await;
    done.map_err(|_| Error::internal("a password was not hashed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::PasswordVerifier;

    #[tokio::test]
    async fn a_hash_is_one_that_others_verify() {
        let hash = hash("correct horse".to_owned()).await.unwrap();
        assert!(
            Argon2::default()
                .verify_password(b"correct horse", hash.as_str())
                .is_ok()
        );
        assert!(
            Argon2::default()
                .verify_password(b"wrong", hash.as_str())
                .is_err()
        );
    }

    #[tokio::test]
    async fn hashes_of_another_cost_are_verified_too() {
        use argon2::PasswordHasher;
        for (memory, passes) in [(64, 1), (19_456, 2)] {
            let params = Params::new(memory, passes, 1, None).unwrap();
            let other = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let hash = other.hash_password(b"correct horse").unwrap().to_string();
            assert!(
                fits("correct horse".to_owned(), Some(hash.clone()))
                    .await
                    .unwrap()
            );
            assert!(!fits("wrong".to_owned(), Some(hash)).await.unwrap());
        }
    }

    #[tokio::test]
    async fn nobody_has_a_password_and_that_takes_the_usual_time() {
        assert!(!fits("x".to_owned(), None).await.unwrap());
        let nobodys = nobodys_hash();
        let nobodys = PasswordHash::new(&nobodys).unwrap();
        let real = hash("x".to_owned()).await.unwrap();
        assert_eq!(PasswordHash::new(&real).unwrap().params, nobodys.params);
        assert!(fits("x".to_owned(), Some("demo".to_owned())).await.is_err());
    }
}
