//! A server process.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// Maximum time of a start.
const START: Duration = Duration::from_secs(60);

/// A running server. Dropping it kills it.
pub struct Node {
    child: Child,
    pid: u32,
    /// `http://127.0.0.1:PORT`.
    pub address: String,
}

impl Node {
    /// Starts the program in a folder and waits until it listens. Appends its log to the file `log` there.
    pub async fn start(folder: &Path, flags: &[String], environment: &[(String, String)]) -> Node {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_refundry"))
            .args(["serve", "--listen=127.0.0.1:0", "--log=warn"])
            .args(flags)
            .current_dir(folder)
            .env_clear()
            .env("TMPDIR", folder)
            .envs(environment.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(address) = line.strip_prefix("listening on ") {
                    return Some(address.to_owned());
                }
            }
            None
        };
        let address = tokio::time::timeout(START, listening).await;
        let address = address.expect("it listens in time");
        Node {
            address: address.unwrap_or_else(|| panic!("it ended: {}", log_tail(folder))),
            pid: child.id().unwrap_or_default(),
            child,
        }
    }

    /// Kills the server as `kill -9` does, and waits until it has ended.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Returns true while the server is running.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.start_kill();
        // Files that the clock's library shares within a process remain when the process is killed.
        for name in ["faketime_shm_", "sem.faketime_sem_"] {
            let _ = std::fs::remove_file(format!("/dev/shm/{name}{}", self.pid));
        }
    }
}

/// Returns the end of the log of the nodes of a folder.
pub fn log_tail(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
