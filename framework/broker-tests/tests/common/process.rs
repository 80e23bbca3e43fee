//! The broker as a process that can be killed, and looked at from outside.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A broker process. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
}

/// An address that the same broker can have again and again. Not one of those that the system gives to connections: a
/// client that tries to reach a broker that is down could be given that very port, and find itself.
pub(crate) fn lasting_address() -> String {
    loop {
        let address = format!("127.0.0.1:{}", fastrand::u16(20_000..30_000));
        match TcpListener::bind(&address) {
            Ok(_) => return address,
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => panic!("no port: {error}"),
        }
    }
}

#[allow(dead_code, reason = "each test binary looks at what it needs")]
impl Process {
    /// Starts it and does not wait for it.
    pub(crate) fn spawn(listen: &str, dir: Option<&Path>) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_kolo-test-broker"))
            .arg(listen)
            .args(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the broker's process");
        Process { child }
    }

    /// Starts it and waits until it listens; the address is where.
    pub(crate) fn start(listen: &str, dir: Option<&Path>) -> (Self, String) {
        let mut process = Self::spawn(listen, dir);
        let address = process.address();
        (process, address)
    }

    /// Where it listens, once it does. To be asked once.
    pub(crate) fn address(&mut self) -> String {
        let out = self.child.stdout.take().expect("asked once");
        let mut line = String::new();
        BufReader::new(out)
            .read_line(&mut line)
            .expect("the broker's address");
        assert!(!line.is_empty(), "the broker did not start; it says why");
        line.trim().to_owned()
    }

    /// kill -9; it is gone when this returns.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Ends it in good order.
    pub(crate) fn end(mut self) {
        drop(self.child.stdin.take());
        assert!(self.child.wait().expect("it ends").success());
    }

    fn proc(&self, file: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{file}", self.child.id()))
    }

    /// A figure out of a file of `/proc` that has lines such as `VmRSS:   1234 kB`.
    fn figure(&self, file: &str, name: &str) -> u64 {
        let text = fs::read_to_string(self.proc(file)).expect("a file of /proc");
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok())
            .expect("a figure")
    }

    /// What it holds in memory now.
    pub(crate) fn resident_bytes(&self) -> u64 {
        self.figure("status", "VmRSS:") * 1024
    }

    /// The most that it ever held in memory.
    pub(crate) fn most_resident_bytes(&self) -> u64 {
        self.figure("status", "VmHWM:") * 1024
    }

    /// The most address space that it ever had.
    pub(crate) fn most_virtual_bytes(&self) -> u64 {
        self.figure("status", "VmPeak:") * 1024
    }

    /// What it has read so far from files, sockets and pipes.
    pub(crate) fn read_bytes(&self) -> u64 {
        self.figure("io", "rchar:")
    }

    /// Its open files and sockets.
    pub(crate) fn open_files(&self) -> usize {
        fs::read_dir(self.proc("fd")).expect("its files").count()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
