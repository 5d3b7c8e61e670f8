//! Passwords, hashed with Argon2id. They are hashed one at a time in each of two queues, so that many logins at once queue
//! up instead of each taking 9 MiB and a processor from the refunds. The cost equals that of the usual 19 MiB with two passes.

use argon2::password_hash::{Error as HashError, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::domain::error::Refusal;
use crate::server::ctx::Ctx;
use crate::server::error::{Error, Result};

/// Stored instead of a hash where the demonstration's published password is valid. Outside a demonstration no password
/// matches it.
pub const DEMO_HASH: &str = "demo";
/// The password of the demonstration's administrator.
pub const DEMO_PASSWORD: &str = "refundry-demo";

const MEMORY_KIB: u32 = 9 * 1024;
const PASSES: u32 = 4;

/// Maximum number of passwords in each queue that are hashed or wait for it; more are refused as overload.
pub const WAITING: usize = 64;

/// The queue in which a password waits to be hashed. Those in one do not wait for the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// Logins of which nothing is known.
    Strangers,
    /// Logins from devices that were logged in from before, and new passwords.
    Known,
}

/// Hashes a password with a new salt, as a PHC string.
///
/// # Errors
/// [`Refusal::Overloaded`].
pub async fn hash(password: String) -> Result<String> {
    let hashed = in_turn(Queue::Known, move || {
        usual_cost().hash_password(password.as_bytes())
    });
    Ok(hashed.await?.map_err(broken)?.to_string())
}

/// Verifies a password. Without a hash (an unknown name) it returns false after the same time, so that the time does
/// not reveal which names exist.
///
/// # Errors
/// [`Refusal::Overloaded`]; an internal error where the hash cannot be parsed.
pub async fn fits(ctx: &Ctx, password: &str, hash: Option<&str>, queue: Queue) -> Result<bool> {
    if ctx.config.demo && hash == Some(DEMO_HASH) {
        return Ok(password == DEMO_PASSWORD);
    }
    let known = hash.filter(|hash| *hash != DEMO_HASH).map(str::to_owned);
    let exists = known.is_some();
    let hash = known.unwrap_or_else(nobodys_hash);
    let password = password.to_owned();
    // Verification takes the costs from the hash, and compares the outputs in constant time.
    let verified = in_turn(queue, move || {
        usual_cost().verify_password(password.as_bytes(), hash.as_str())
    });
    match verified.await? {
        Ok(()) => Ok(exists),
        Err(HashError::PasswordInvalid) => Ok(false),
        Err(error) => Err(broken(error)),
    }
}

fn usual_cost() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).expect("the costs are within limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Returns a hash of the usual cost that matches no known password.
fn nobodys_hash() -> String {
    let (salt, output) = ("A".repeat(22), "A".repeat(43));
    format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${salt}${output}")
}

fn broken(error: HashError) -> Error {
    Error::internal(format!("a password cannot be hashed: {error}"))
}

/// Runs work in its turn. Work is skipped if its caller is dropped while it waits.
async fn in_turn<T: Send + 'static>(
    queue: Queue,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    static PLACES: [Semaphore; 2] = [const { Semaphore::const_new(WAITING) }; 2];
    static TURNS: [Semaphore; 2] = [const { Semaphore::const_new(1) }; 2];
    let queue = queue as usize;
    let _place = PLACES[queue]
        .try_acquire()
        .map_err(|_| Refusal::Overloaded)?;
    let turn = TURNS[queue].acquire().await.expect("it is never closed");
    let done = spawn_blocking(move || {
        // The turn is held until the work ends, even if the caller is dropped meanwhile.
        let _turn = turn;
        work()
    });
    done.await
        .map_err(|_| Error::internal("a password was not hashed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::Config;
    use crate::server::testing::app_with;

    #[tokio::test]
    async fn a_hash_is_one_that_others_verify() {
        let hash = hash("correct horse".to_owned()).await.unwrap();
        let verify =
            |password: &str| Argon2::default().verify_password(password.as_bytes(), hash.as_str());
        assert!(verify("correct horse").is_ok());
        assert!(verify("wrong").is_err());
    }

    #[tokio::test]
    async fn hashes_of_another_cost_are_verified_too() {
        let (ctx, _folder) = app_with(Config::default()).await;
        for (memory, passes) in [(64, 1), (19_456, 2)] {
            let params = Params::new(memory, passes, 1, None).unwrap();
            let other = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let hash = other.hash_password(b"correct horse").unwrap().to_string();
            assert!(
                fits(&ctx, "correct horse", Some(&hash), Queue::Strangers)
                    .await
                    .unwrap()
            );
            assert!(
                !fits(&ctx, "wrong", Some(&hash), Queue::Strangers)
                    .await
                    .unwrap()
            );
        }
    }

    #[tokio::test]
    async fn nobody_has_a_password_and_that_takes_the_usual_time() {
        let (ctx, _folder) = app_with(Config::default()).await;
        assert!(!fits(&ctx, "x", None, Queue::Strangers).await.unwrap());
        assert!(
            !fits(&ctx, "x", Some(DEMO_HASH), Queue::Strangers)
                .await
                .unwrap()
        );
        let real = hash("x".to_owned()).await.unwrap();
        let cost = |hash: &str| hash.rsplitn(3, '$').last().map(str::to_owned);
        assert_eq!(cost(&real), cost(&nobodys_hash()));
        assert!(
            fits(&ctx, "x", Some("no hash"), Queue::Strangers)
                .await
                .is_err()
        );
    }
}
