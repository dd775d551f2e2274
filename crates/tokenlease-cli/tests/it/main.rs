//! Runs the program as its users do, against emulators of both providers.

mod calls;
mod certificate;
#[cfg(unix)]
mod credential;
#[cfg(unix)]
mod deadline;
mod doctor;
mod emulate;
#[cfg(unix)]
mod examples;
mod exec;
#[cfg(windows)]
mod exec_windows;
#[cfg(target_os = "linux")]
mod folders;
mod generated;
mod help;
mod history;
#[cfg(unix)]
mod hosts;
mod leaks;
#[cfg(target_os = "linux")]
mod limits;
mod monitoring;
mod odd_answers;
mod password_command;
#[cfg(unix)]
mod rejecting_store;
mod renew;
#[cfg(unix)]
mod serve;
mod status;
mod store;
mod subjects;
mod support;
mod tls;
mod token;
#[cfg(target_os = "linux")]
mod whole_run;
mod write;
