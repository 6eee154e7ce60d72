//! Open files: as many as the system allows, and shared out so that no client takes
//! the last one.
//!
//! The store, the engine and the admin listener open files while they work. Where
//! connections could use up all, none of them would get one, and nobody could ask why.

/// More than the daemon ever opens.
const ENOUGH: u64 = 65_536;

/// What the engine and the store open beside what is open from the start: archives,
/// downloads, files of the database.
const WORK: u64 = 32;

/// How many connections there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shares {
    /// To the callback listener.
    pub(super) calls: usize,
    /// To the admin listener.
    pub(super) admin: usize,
}

/// Raises the limit as far as it may be raised.
pub(super) fn raise() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        let most = limit.maximum.unwrap_or(ENOUGH).min(ENOUGH);
        if limit.current.is_some_and(|current| current < most) {
            limit.current = Some(most);
            // What is in force stays, then.
            let _ = setrlimit(Resource::Nofile, limit);
        }
    }
}

/// Shares out what is left now that everything that stays open is open.
pub(super) fn share(wanted: Shares) -> Shares {
    let Some((limit, left)) = left() else { return wanted };
    let shares = shares(left, wanted);
    if shares.calls < wanted.calls {
        tracing::warn!(
            limit,
            connections = shares.calls,
            "the limit of open files allows fewer connections than the setting `connections`: \
             raise it (LimitNOFILE= of the unit, `ulimit -n`)"
        );
    }
    shares
}

/// Half of what is left is for the work, as long as that is little; the other half,
/// and the rest, is for clients.
fn shares(left: u64, wanted: Shares) -> Shares {
    let work = WORK.min(left / 2);
    let clients = left - work;
    let of = |share: u64, wanted: usize| usize::try_from(share).unwrap_or(wanted).min(wanted);
    let admin = of(clients / 4, wanted.admin).max(1);
    Shares { calls: of(clients.saturating_sub(admin as u64), wanted.calls).max(1), admin }
}

/// The limit, and how many files may still be opened.
#[cfg(unix)]
fn left() -> Option<(u64, u64)> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current?;
    // The folder that is read is one of them.
    let open = std::fs::read_dir("/dev/fd").ok()?.count().saturating_sub(1);
    Some((limit, limit.saturating_sub(open as u64)))
}

#[cfg(not(unix))]
fn left() -> Option<(u64, u64)> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_the_work_leaves_and_the_admin_is_never_without() {
        let wanted = Shares { calls: 512, admin: 64 };
        for (left, calls, admin) in [
            (0, 1, 1),
            (4, 1, 1),
            (12, 5, 1),
            (40, 15, 5),
            (100, 51, 17),
            (1000, 512, 64),
            (60_000, 512, 64),
        ] {
            assert_eq!(shares(left, wanted), Shares { calls, admin }, "{left}");
        }
    }
}
