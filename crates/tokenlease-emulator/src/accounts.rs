//! The users that may log in, and their lock-out.

use crate::clock::Millis;

/// One user of one provider.
pub(crate) struct Account {
    pub(crate) user: String,
    /// Each of these is valid: more than one while a password is being changed.
    pub(crate) passwords: Vec<String>,
    failures: u32,
    locked_at: Option<Millis>,
}

/// When wrong passwords lock an account.
#[derive(Clone, Copy)]
pub(crate) struct Lockout {
    /// After so many in a row; `None`: never.
    pub(crate) failures: Option<u32>,
    /// For so many seconds; `None`: until unlocked by a call.
    pub(crate) seconds: Option<u32>,
}

/// What came of a log-in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    Accepted,
    /// The user, the password or something beside them is wrong.
    Wrong,
    /// The account is locked, whatever the password is.
    Locked,
}

impl Account {
    pub(crate) const fn new(user: String, passwords: Vec<String>) -> Self {
        Self { user, passwords, failures: 0, locked_at: None }
    }

    pub(crate) fn log_in(
        &mut self,
        user: &str,
        password: &str,
        lockout: Lockout,
        now: Millis,
    ) -> Login {
        let login = self.check(user, password);
        if self.is_locked(lockout, now) {
            return if login == Login::Accepted { Login::Locked } else { Login::Wrong };
        }
        if login == Login::Accepted {
            self.unlock();
            return login;
        }
        if user != self.user {
            return login;
        }
        self.failures = self.failures.saturating_add(1);
        if lockout.failures.is_some_and(|most| self.failures >= most) {
            self.locked_at = Some(now);
        }
        Login::Wrong
    }

    /// Whether these are right, without counting for the lock-out.
    pub(crate) fn check(&self, user: &str, password: &str) -> Login {
        let right = user == self.user && self.passwords.iter().any(|valid| valid == password);
        if right { Login::Accepted } else { Login::Wrong }
    }

    pub(crate) fn is_locked(&mut self, lockout: Lockout, now: Millis) -> bool {
        if let (Some(since), Some(seconds)) = (self.locked_at, lockout.seconds)
            && now >= since.plus_s(i64::from(seconds))
        {
            self.unlock();
        }
        self.locked_at.is_some()
    }

    pub(crate) const fn lock(&mut self, now: Millis) {
        self.locked_at = Some(now);
    }

    pub(crate) const fn unlock(&mut self) {
        self.failures = 0;
        self.locked_at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCKOUT: Lockout = Lockout { failures: Some(3), seconds: Some(60) };

    #[test]
    fn three_wrong_passwords_in_a_row_lock_the_account_until_its_time_is_up() {
        let mut account = Account::new("u".into(), vec!["p".into()]);
        for _ in 0..3 {
            assert!(account.log_in("u", "wrong", LOCKOUT, Millis(0)) == Login::Wrong);
        }
        assert!(account.log_in("u", "p", LOCKOUT, Millis(59_999)) == Login::Locked);
        assert!(account.log_in("u", "p", LOCKOUT, Millis(60_000)) == Login::Accepted);
    }

    #[test]
    fn a_right_password_between_wrong_ones_starts_the_count_again() {
        let mut account = Account::new("u".into(), vec!["p".into()]);
        for password in ["x", "x", "p", "x", "x"] {
            account.log_in("u", password, LOCKOUT, Millis(0));
        }
        assert!(account.log_in("u", "p", LOCKOUT, Millis(0)) == Login::Accepted);
    }

    #[test]
    fn another_users_name_locks_nobody() {
        let mut account = Account::new("u".into(), vec!["p".into()]);
        for _ in 0..9 {
            account.log_in("v", "p", LOCKOUT, Millis(0));
        }
        assert!(account.log_in("u", "p", LOCKOUT, Millis(0)) == Login::Accepted);
    }
}
