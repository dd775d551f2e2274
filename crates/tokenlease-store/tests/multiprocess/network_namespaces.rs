//! Two network namespaces. Each has one link to the provider and one to the store, which tests can
//! cut.

use std::{
    net::Ipv4Addr,
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

/// The number of pairs that this process made.
static MADE: AtomicU32 = AtomicU32::new(0);

pub(crate) struct Namespaces {
    names: [String; 2],
    /// The addresses of provider and store, from the range for tests of network devices
    /// (198.18/15).
    ends: [Ipv4Addr; 2],
}

impl Namespaces {
    /// Makes both namespaces. `None`, with a message, unless the tests run as root and `ip` is
    /// installed.
    pub(crate) fn new() -> Option<Self> {
        if !rustix::process::getuid().is_root() {
            println!("skipped: only root may make network namespaces");
            return None;
        }
        if Command::new("ip").arg("-V").output().is_err() {
            println!("skipped: ip (of iproute2) is not on the PATH");
            return None;
        }
        // Names and addresses differ from those of other tests and other processes.
        let number = std::process::id() << 3 | MADE.fetch_add(1, Ordering::Relaxed) & 7;
        let [_, _, high, low] = number.to_be_bytes();
        let number = number & 0xffff;
        let made = Self {
            names: ["a", "b"].map(|group| format!("tl{number}{group}")),
            ends: [high & 0x7f, high | 0x80].map(|third| Ipv4Addr::new(198, 18, third, low)),
        };
        for address in made.ends {
            ip(&format!("address add {address}/32 dev lo"));
        }
        for (group, name) in (0..).zip(&made.names) {
            ip(&format!("netns add {name}"));
            ip(&format!("-n {name} link set lo up"));
            for (end, address) in (0..).zip(&made.ends) {
                let (near, far) = (link(name, end), format!("end{end}"));
                let subnet = |host| {
                    let last = (low & 0xf) << 4 | (2 * group + end) << 2 | host;
                    Ipv4Addr::new(198, 19, high << 4 | low >> 4, last)
                };
                let (gateway, own) = (subnet(1), subnet(2));
                ip(&format!("link add {near} type veth peer name {far} netns {name}"));
                ip(&format!("address add {gateway}/30 dev {near}"));
                ip(&format!("link set {near} up"));
                ip(&format!("-n {name} address add {own}/30 dev {far}"));
                ip(&format!("-n {name} link set {far} up"));
                ip(&format!("-n {name} route add {address}/32 via {gateway}"));
            }
        }
        Some(made)
    }

    pub(crate) fn provider(&self) -> Ipv4Addr {
        self.ends[0]
    }

    pub(crate) fn store(&self) -> Ipv4Addr {
        self.ends[1]
    }

    pub(crate) fn names(&self) -> &[String; 2] {
        &self.names
    }

    /// Cuts that group's link to the store: packets over it are lost from now on.
    pub(crate) fn cut(&self, group: usize) {
        ip(&format!("link set {} down", link(&self.names[group], 1)));
    }

    /// Restores that group's link to the store.
    pub(crate) fn restore(&self, group: usize) {
        ip(&format!("link set {} up", link(&self.names[group], 1)));
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        let mut all: Vec<String> =
            self.ends.map(|end| format!("address del {end}/32 dev lo")).into();
        // The near ends first: the namespaces' removal takes a while, and the links must be gone
        // before the next test.
        for name in &self.names {
            all.extend((0..2).map(|end| format!("link del {}", link(name, end))));
            all.push(format!("netns del {name}"));
        }
        for command in all {
            let _ = Command::new("ip").args(command.split(' ')).output();
        }
    }
}

/// Returns the name of the near end of a group's link; it may have 15 letters at most.
fn link(name: &str, end: u8) -> String {
    format!("{name}{end}")
}

fn ip(command: &str) {
    let output = Command::new("ip").args(command.split(' ')).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ip {command}: {said}");
}
