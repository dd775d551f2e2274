//! Worlds in which the identity has a subject: each login sends a new ticket.

use super::MAX_EVENTS;
use crate::{
    plan::{Plan, PlanEvent},
    rng::Rng,
};

/// Gives the identity of a plan a subject. The events that need a password of the identity have none then:
/// the same holder has all tickets.
pub(super) fn add(plan: &mut Plan, rng: &mut Rng) {
    plan.setup.subject = true;
    plan.events.retain_mut(|(_, event)| match event {
        PlanEvent::ChangePasswords { .. } | PlanEvent::Configure { .. } => false,
        PlanEvent::Ask { caller, .. } => caller.password.is_none(),
        PlanEvent::Crash { password, .. } => {
            *password = None;
            true
        }
        _ => true,
    });
    let processes = plan.setup.hosts * plan.setup.processes;
    let left = MAX_EVENTS.saturating_sub(plan.size());
    for _ in 0..rng.range(5, 50).min(i64::try_from(left).unwrap_or(0)) {
        let p = usize::try_from(rng.draw()).unwrap_or_default() % processes;
        plan.events.push((rng.range(0, plan.span), PlanEvent::ChangeTicket { p }));
    }
}
