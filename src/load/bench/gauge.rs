//! What a process and its descendants use, as the kernel counts it in /proc.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

/// A process and all that it started.
#[derive(Clone)]
pub struct Gauge {
    pid: u32,
}

/// Memory in use, in octets.
#[derive(Clone, Copy, Default, Debug)]
pub struct Memory {
    /// Resident, each page once even if processes share it; resident of each process, summed, if
    /// the kernel does not tell shares.
    pub octets: u64,
    /// Processes.
    pub processes: usize,
}

impl Gauge {
    /// Of this process; `None` if there is none.
    pub fn new(pid: u32) -> Option<Gauge> {
        let gauge = Gauge { pid };
        gauge.cpu().map(|_| gauge)
    }

    /// Of this very process.
    pub fn own() -> Gauge {
        Gauge { pid: std::process::id() }
    }

    /// Time the processors have spent, in user mode and in the kernel.
    pub fn cpu(&self) -> Option<Duration> {
        let processes = self.processes();
        let mut sum = Duration::ZERO;
        for (place, pid) in processes.iter().enumerate() {
            match process_cpu(*pid) {
                Some(cpu) => sum += cpu,
                None if place == 0 => return None,
                None => {}
            }
        }
        Some(sum)
    }

    /// Memory in use.
    pub fn memory(&self) -> Memory {
        let processes = self.processes();
        let octets = processes.iter().filter_map(|pid| process_memory(*pid)).sum();
        Memory { octets, processes: processes.len() }
    }

    /// The process first, then its descendants.
    fn processes(&self) -> Vec<u32> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        let names = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = names.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        for pid in pids {
            if let Some(parent) = stat_field(pid, 1).and_then(|parent| u32::try_from(parent).ok()) {
                children.entry(parent).or_default().push(pid);
            }
        }
        let mut found = vec![self.pid];
        let mut next = 0;
        while let Some(pid) = found.get(next) {
            found.extend(children.remove(pid).unwrap_or_default());
            next += 1;
        }
        found
    }
}

/// To the nanosecond if the kernel keeps it, else to its tick.
fn process_cpu(pid: u32) -> Option<Duration> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let nanos: Option<u64> = tasks
        .flatten()
        .map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split_ascii_whitespace().next()?.parse::<u64>().ok()
        })
        .sum();
    if let Some(nanos) = nanos.filter(|nanos| *nanos > 0) {
        return Some(Duration::from_nanos(nanos));
    }
    // Linux tells programs a hundred ticks a second whatever it counts itself.
    let ticks = stat_field(pid, 11)?.checked_add(stat_field(pid, 12)?)?;
    Some(Duration::from_millis(ticks.checked_mul(10)?))
}

fn process_memory(pid: u32) -> Option<u64> {
    let kilobytes = |file: &str, name: &str| -> Option<u64> {
        let text = fs::read_to_string(format!("/proc/{pid}/{file}")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    };
    let kilobytes = kilobytes("smaps_rollup", "Pss:").or_else(|| kilobytes("status", "VmRSS:"))?;
    kilobytes.checked_mul(1024)
}

/// A number in /proc/PID/stat, counted from the state behind the name of the program.
fn stat_field(pid: u32, field: usize) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything.
    let (_, rest) = text.rsplit_once(')')?;
    rest.split_ascii_whitespace().nth(field)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_time_and_memory() {
        let gauge = Gauge::own();
        let before = gauge.cpu().expect("there");
        let mut sum = 0_u64;
        while gauge.cpu().expect("there") < before + Duration::from_millis(30) {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let memory = gauge.memory();
        assert!(memory.octets > 1 << 20, "{memory:?}");
        assert!(memory.processes >= 1);
    }

    #[test]
    fn a_process_that_is_not_there_is_none() {
        assert!(Gauge::new(u32::MAX).is_none());
    }
}
