//! What the operating system knows: CPU time, memory, load. Linux only; elsewhere there is no answer.

use std::fs;

/// Clock ticks a second in `/proc`; Linux has reported this many to programs on every architecture for decades.
const TICKS: f64 = 100.0;

/// User and system CPU seconds that a process has used, all threads together.
pub(crate) fn cpu_seconds(process: Option<u32>) -> Option<f64> {
    let process = process.map_or_else(|| "self".to_owned(), |id| id.to_string());
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the name in parentheses, which may hold anything; 14 and 15 are user and system time.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// How many threads wanted to run, on average over the last minute.
pub(crate) fn load() -> Option<f64> {
    let text = fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// The load for people.
pub(crate) fn load_text() -> String {
    load().map_or_else(|| "-".to_owned(), |load| format!("{load:.1}"))
}
