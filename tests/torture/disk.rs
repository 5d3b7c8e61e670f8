//! A disk that is full.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::audit::{self, Rest};
use crate::desk::{Desk, SHOP, goes_on};
use crate::load::{BEHAVIOURS, Load};

/// Time for which the disk stays full.
const FULL: Duration = Duration::from_millis(1_500);

/// A small disk of its own. Dropping it deletes it.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts a small disk, which holds what a long run writes several times over. `None`: this machine does not allow it.
    fn mount(at: &Path) -> Option<SmallDisk> {
        std::fs::create_dir_all(at).unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=512m", "tmpfs"])
            .arg(at)
            .output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        mounted.then(|| SmallDisk(at.to_owned()))
    }

    /// Fills the disk to the last byte.
    fn fill(&self) {
        let mut filler = std::fs::File::create(self.0.join("filler")).unwrap();
        for size in [65_536, 512, 1] {
            while filler.write_all(&vec![0; size]).is_ok() {}
        }
    }

    fn free(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_full_disk_refuses_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk")) else {
        println!("a full disk: skipped, no file system can be mounted here");
        return;
    };
    let url = format!("sqlite://{}/desk.db?mode=rwc", disk.0.display());
    let mut desk = Desk::on(folder, url, 1, &[]).await;
    desk.start().await;
    let orders = desk.town.orders(SHOP, &BEHAVIOURS, 3).await;
    let load = Load::start(&desk.town, SHOP, &orders, 6);
    let mut round = 0;
    while goes_on(&desk, round, 3) {
        tokio::time::sleep(Duration::from_millis(700)).await;
        disk.fill();
        tokio::time::sleep(FULL).await;
        let answer = desk.town.refund(SHOP, &orders[2]).await.expect("an answer");
        assert_eq!(answer["code"], 10500, "{answer}");
        disk.free();
        desk.recovers(&orders[2]).await;
        desk.assert_running();
        audit::check(&desk).await;
        round += 1;
    }
    load.stop().await;
    let faults = format!("{round} times a full disk");
    audit::finish("a full disk", &mut desk, Rest::Synced, &faults).await;
}
