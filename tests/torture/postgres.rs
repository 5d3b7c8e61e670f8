//! A PostgreSQL server of a test's own, and a way to it that can be cut.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::{AnyConnection, Connection, Executor, query_scalar};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::load::random;
use crate::stepped_clock;

/// A server, its data in a folder. It is killed when it is dropped.
pub struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    pub port: usize,
    /// The folder's clock, which its servers go by.
    clock: PathBuf,
    /// Of the process, once it runs. Kept apart from the folder, which may be gone first.
    pid: Mutex<Option<String>>,
}

impl Postgres {
    /// A new server, started. `None`: PostgreSQL is not installed.
    pub async fn start_new(folder: &Path) -> Option<Postgres> {
        let server = Postgres::in_folder(folder, "primary")?;
        let data = server.data.display().to_string();
        let how = [
            "-U",
            "refundry",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ];
        server
            .must("initdb", &[&["-D", &data], &how[..]].concat())
            .await;
        server.start().await;
        Some(server)
    }

    /// A standby of this server, which from now on answers no commit before the standby has it.
    pub async fn standby(&self, folder: &Path) -> Postgres {
        let standby = Postgres::in_folder(folder, "standby").unwrap();
        let (data, port) = (standby.data.display().to_string(), self.port.to_string());
        let from = [
            "-h",
            "127.0.0.1",
            "-U",
            "refundry",
            "-p",
            &port,
            "-R",
            "-c",
            "fast",
        ];
        standby
            .must("pg_basebackup", &[&["-D", &data], &from[..]].concat())
            .await;
        standby.start().await;
        let mut conn = self.connect().await;
        for sql in [
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "SELECT pg_reload_conf()",
        ] {
            conn.execute(sql).await.unwrap();
        }
        let synchronous = "SELECT COUNT(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        while query_scalar::<_, i64>(synchronous)
            .fetch_one(&mut conn)
            .await
            .unwrap()
            == 0
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        standby
    }

    fn in_folder(folder: &Path, name: &str) -> Option<Postgres> {
        use std::os::unix::fs::PermissionsExt;
        let bin = find()?;
        let data = folder.join(name);
        std::fs::create_dir(&data).unwrap();
        if is_root() {
            // The server refuses to run as root, and has to reach its folder.
            std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711)).unwrap();
            let mut chown = std::process::Command::new("chown");
            let _ = chown.arg("postgres").arg(&data).status();
        }
        std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o700)).unwrap();
        let port = random(20_000..32_000);
        let pid = Mutex::default();
        Some(Postgres {
            bin,
            data,
            port,
            clock: stepped_clock::in_folder(folder),
            pid,
        })
    }

    pub async fn start(&self) {
        let data = self.data.display().to_string();
        let log = self.data.join("server.log").display().to_string();
        let settings = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
             -c dynamic_shared_memory_type=mmap",
            self.port
        );
        let start = ["-D", &data, "-l", &log, "-o", &settings, "-w", "start"];
        self.must("pg_ctl", &start).await;
        let file = std::fs::read_to_string(self.data.join("postmaster.pid")).unwrap();
        *self.pid.lock().unwrap() = file.lines().next().map(str::to_owned);
    }

    /// Stops it at once, as a crash would, but in order: its sockets and locks are gone afterwards.
    pub async fn stop_immediately(&self) {
        self.pid.lock().unwrap().take();
        let data = self.data.display().to_string();
        self.must("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"])
            .await;
    }

    /// Kills it as `kill -9` does.
    pub async fn kill(&self) {
        let pid = self.pid.lock().unwrap().take().expect("it runs");
        let killed = Command::new("kill").args(["-9", &pid]).status().await;
        assert!(killed.unwrap().success());
    }

    /// Makes a standby the primary.
    pub async fn promote(&self) {
        let data = self.data.display().to_string();
        self.must("pg_ctl", &["-D", &data, "-w", "promote"]).await;
    }

    /// Ends every connection but the one that does so.
    pub async fn terminate_connections(&self) {
        let mut conn = self.connect().await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
        conn.execute(end).await.unwrap();
    }

    pub async fn connect(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&url(self.port)).await.unwrap()
    }

    async fn must(&self, program: &str, args: &[&str]) {
        let output = self.command(program, args).output().await.unwrap();
        let log = std::fs::read_to_string(self.data.join("server.log")).unwrap_or_default();
        assert!(
            output.status.success(),
            "{program} {args:?}: {output:?} {log}"
        );
    }

    fn command(&self, program: &str, args: &[&str]) -> Command {
        let program = self.bin.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(args).current_dir("/");
        command.envs(stepped_clock::environment(&self.clock));
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(pid) = self.pid.lock().unwrap().take() {
            // An immediate shutdown.
            let mut quit = std::process::Command::new("kill");
            let _ = quit.args(["-QUIT", &pid]).status();
        }
    }
}

/// The address of the database that is reached at a port of this machine.
pub fn url(port: usize) -> String {
    format!("postgres://refundry@127.0.0.1:{port}/postgres")
}

/// Where its programs are.
fn find() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let debian = versions.flatten().map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all: Vec<_> = debian.chain(std::env::split_paths(&path)).collect();
    all.into_iter()
        .find(|folder| folder.join("initdb").exists())
}

fn is_root() -> bool {
    let id = std::process::Command::new("id").arg("-u").output();
    id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// A way to a server that can be cut, and led elsewhere.
pub struct Proxy {
    pub port: usize,
    target: Arc<Mutex<usize>>,
    connections: Arc<Mutex<JoinSet<()>>>,
}

impl Proxy {
    pub async fn to(port: usize) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Proxy {
            port: listener.local_addr().unwrap().port().into(),
            target: Arc::new(Mutex::new(port)),
            connections: Arc::default(),
        };
        let (target, connections) = (proxy.target.clone(), proxy.connections.clone());
        tokio::spawn(async move {
            loop {
                let (mut client, _) = listener.accept().await.unwrap();
                let port = *target.lock().unwrap() as u16;
                connections.lock().unwrap().spawn(async move {
                    let address = SocketAddr::from(([127, 0, 0, 1], port));
                    if let Ok(mut server) = TcpStream::connect(address).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        proxy
    }

    /// Breaks all connections.
    pub fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }

    /// Leads to another server from now on.
    pub fn lead_to(&self, port: usize) {
        *self.target.lock().unwrap() = port;
        self.cut();
    }
}
