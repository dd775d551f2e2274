//! The demo that `tokenlease demo` runs: three services work through one day, with tokenlease and
//! without it.
//!
//! Both providers are emulated on this machine, and all calls go over real HTTP. The demo never
//! sleeps: it moves the clocks of the clients and of the providers together. The results are
//! measured: the providers count the logins, each token is checked at its provider when it is
//! served, and the demo computes how many logins the day needs at least.
//!
//! In part 2, real processes of the program share a folder as their store.
#![forbid(unsafe_code)]

mod comparison;
mod day;
mod emulated;
mod fleet;
mod minimum;
mod naive;
mod processes;
mod report;
mod totals;

use tokenlease::Result;

pub use self::processes::wait_for_start;
use self::{
    day::Day,
    processes::{ProcessTotals, Providers},
    report::{Print, Report},
};

/// The command of the program that part 2 starts as its processes.
///
/// The command calls [`wait_for_start`] and then does what `tokenlease token --output json` does,
/// with its options in the environment.
pub const PROCESS_COMMAND: &str = "demo-process";

/// The format of the demo's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// A report for people, printed while the demo runs, at most 80 columns wide.
    Text,
    /// One line of JSON with all totals, printed at the end.
    Json,
}

/// Runs the demo and prints its report with `print`, which gets whole lines without the last
/// newline.
///
/// Part 2 starts the running program again with [`PROCESS_COMMAND`].
///
/// # Errors
///
/// - `Internal`: tokenlease sends more logins than needed, or serves a token that it could know to
///   be inactive.
/// - `Transport`: the emulated providers cannot listen.
/// - `Config`: there is no temporary folder, or the program cannot be started again.
/// - Each error of `print`.
pub async fn run(format: Format, print: Print<'_>) -> Result<()> {
    let mut day = Day::start(Report::start(format, print)?).await?;
    day.run().await?;
    let mut totals = day.totals();
    let report = day.into_report();
    report.end_of_day(&totals)?;
    totals.processes = run_processes(&report).await?;
    report.end(&totals)?;
    totals.check()?;
    totals.check_processes()
}

/// Runs part 2.
async fn run_processes(report: &Report<'_>) -> Result<ProcessTotals> {
    report.start_of_processes()?;
    let providers = Providers::start().await?;
    let mut totals = ProcessTotals::default();
    for (name, is_wyn, scenarios) in
        [("WinKAS Air", false, &mut totals.winkas), ("Wyn Enterprise", true, &mut totals.wyn)]
    {
        let provider = providers.get(is_wyn);
        scenarios.cold_start = processes::cold_start(provider).await?;
        let text = "empty folder: one process logs in, and all get its token";
        report.scenario(name, text, &scenarios.cold_start)?;
        if !is_wyn {
            // Wyn has no call that returns the token of a login whose response was lost.
            let counts = processes::killed_login(provider).await?;
            let text = "one process is killed in the middle of its login: a refetch finds its \
                        token, for the other 15";
            report.scenario(name, text, &counts)?;
            scenarios.killed_login = Some(counts);
        }
        scenarios.wrong_password = processes::wrong_password(provider).await?;
        let text = "wrong password: one process sends it, and all get the error";
        report.scenario(name, text, &scenarios.wrong_password)?;
    }
    Ok(totals)
}
