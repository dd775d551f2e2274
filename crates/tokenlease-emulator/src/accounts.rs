//! The users of the providers, and the lockout of their accounts.

use crate::clock::Millis;

/// The user of a provider.
pub(crate) struct Account {
    pub(crate) user: String,
    /// The valid passwords; more than one during a rotation.
    pub(crate) passwords: Vec<String>,
    failures: u32,
    locked_at: Option<Millis>,
}

/// The rule by which wrong passwords lock an account.
#[derive(Clone, Copy)]
pub(crate) struct Lockout {
    /// The number of consecutive wrong passwords that locks it; `None`: it is never locked.
    pub(crate) failures: Option<u32>,
    /// The length of the lockout in seconds; `None`: until a call unlocks it.
    pub(crate) seconds: Option<u32>,
}

/// The result of a login attempt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    Accepted,
    /// The user, the password or another field is wrong.
    Wrong,
    /// The credentials are right, and the account is locked.
    Locked,
}

impl Account {
    pub(crate) const fn new(user: String, passwords: Vec<String>) -> Self {
        Self { user, passwords, failures: 0, locked_at: None }
    }

    /// Checks a login attempt, and counts a wrong password for the lockout.
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

    /// Checks credentials without counting for the lockout.
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
    fn three_consecutive_wrong_passwords_lock_the_account_until_the_lockout_ends() {
        let mut account = Account::new("u".into(), vec!["p".into()]);
        for _ in 0..3 {
            assert!(account.log_in("u", "wrong", LOCKOUT, Millis(0)) == Login::Wrong);
        }
        assert!(account.log_in("u", "p", LOCKOUT, Millis(59_999)) == Login::Locked);
        assert!(account.log_in("u", "p", LOCKOUT, Millis(60_000)) == Login::Accepted);
    }

    #[test]
    fn a_right_password_resets_the_count_of_wrong_ones() {
        let mut account = Account::new("u".into(), vec!["p".into()]);
        for password in ["x", "x", "p", "x", "x"] {
            account.log_in("u", password, LOCKOUT, Millis(0));
        }
        assert!(account.log_in("u", "p", LOCKOUT, Millis(0)) == Login::Accepted);
    }

    #[test]
    fn a_wrong_user_name_does_not_lock_the_account() {
        let mut account = Account::new("u".into(), vec!["p".into()]);
        for _ in 0..9 {
            account.log_in("v", "p", LOCKOUT, Millis(0));
        }
        assert!(account.log_in("u", "p", LOCKOUT, Millis(0)) == Login::Accepted);
    }
}
