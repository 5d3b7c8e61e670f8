//! The demonstration as a process of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub struct Demo {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub base: String,
}

impl Demo {
    /// Starts it on a free port, with further flags.
    pub fn start(flags: &[&str]) -> Demo {
        let mut child = Command::new(env!("CARGO_BIN_EXE_refundry"))
            .args(["demo", "--listen", "127.0.0.1:0", "--log", "error"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let base = lines
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        Demo {
            child,
            base: base.expect("it says where it listens"),
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
