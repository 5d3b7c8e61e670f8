//! A PostgreSQL server for one test, and a connection to it that can be cut.

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

/// A server with its data in a folder. Dropping it kills it.
pub struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    pub port: usize,
    /// File of the folder's clock, which its servers use.
    clock: PathBuf,
    /// Id of the process, once it runs. Kept in memory, as the folder may be deleted first.
    pid: Mutex<Option<String>>,
}

impl Postgres {
    /// Makes and starts a new server. `None`: PostgreSQL is not installed.
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

    /// Makes a standby of this server. From then on the server confirms a commit only once the standby has it.
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
            // The server refuses to run as root, and its own user must reach the folder.
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

    /// Stops the server at once, without a checkpoint as in a crash, but with its sockets and locks removed.
    pub async fn stop_immediately(&self) {
        self.pid.lock().unwrap().take();
        let data = self.data.display().to_string();
        self.must("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"])
            .await;
    }

    /// Kills the server as `kill -9` does.
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

    /// Ends every connection except the one that does it.
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
            // SIGQUIT requests an immediate shutdown.
            let mut quit = std::process::Command::new("kill");
            let _ = quit.args(["-QUIT", &pid]).status();
        }
    }
}

/// Returns the address of a database at a port of this machine.
pub fn url(port: usize) -> String {
    format!("postgres://refundry@127.0.0.1:{port}/postgres")
}

/// Returns the folder of PostgreSQL's programs, where it is installed.
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

/// A proxy before a server. Its connections can be cut, and it can be pointed to another server.
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

    /// Points to another server from now on.
    pub fn lead_to(&self, port: usize) {
        *self.target.lock().unwrap() = port;
        self.cut();
    }
}
