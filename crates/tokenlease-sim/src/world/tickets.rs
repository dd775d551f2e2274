//! Subjects: each login sends a new ticket, and the processes have different ones.

use tokenlease_core::{
    Credentials, CredentialsFingerprint,
    lifecycle::{Effect, Receipt},
};

use crate::{Password, World, bugs::Bug};

/// The tickets of a world.
#[derive(Default)]
pub(crate) struct Tickets {
    drawn: u64,
}

impl World {
    /// Returns the number of a ticket that no process had before.
    pub(crate) fn draw_ticket(&mut self) -> u64 {
        self.tickets.drawn += 1;
        self.tickets.drawn
    }

    pub(crate) fn ticket_fingerprint(&self, ticket: u64) -> CredentialsFingerprint {
        let text = format!("ticket-{ticket}");
        CredentialsFingerprint::of(&self.key, &Credentials::password(text.as_str()))
    }

    /// The user gets another ticket while the process runs: the state machine takes it.
    pub fn change_ticket(&mut self, p: usize) {
        if self.setup.subject {
            let ticket = self.draw_ticket();
            let fingerprint = self.ticket_fingerprint(ticket);
            let password = self.processes[p].password;
            if let Some(entry) = self.processes[p].entries.get_mut(&password) {
                entry.lifecycle.set_credentials(fingerprint);
            }
        }
    }

    /// A function returns another ticket for the login that is about to be sent.
    pub(crate) fn send_new_ticket(
        &mut self,
        p: usize,
        password: &Password,
        effect: &Effect,
        receipt: &mut Receipt,
    ) {
        let credentials = matches!(effect, Effect::Send(call) if call.takes_credentials());
        if !self.setup.subject || !credentials || self.setup.bug == Some(Bug::LeasePerTicket) {
            return;
        }
        let ticket = self.draw_ticket();
        let fingerprint = self.ticket_fingerprint(ticket);
        if let Some(entry) = self.processes[p].entries.get_mut(password) {
            entry.lifecycle.sends_credentials(receipt, fingerprint);
        }
    }
}
