//! The names by which git and docker call this program.

use std::{ffi::OsString, path::Path};

/// The name that git makes of `helper = tokenlease`.
pub(crate) const GIT: &str = "git-credential-tokenlease";
/// The name that docker makes of `"credHelpers": {HOST: "tokenlease"}`.
pub(crate) const DOCKER: &str = "docker-credential-tokenlease";

/// Returns the arguments of the program. Under one of the names above, which are links to it, they are those
/// of its command `credential git` or `credential docker`.
pub(crate) fn arguments(given: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut given = given.into_iter();
    let program = given.next().unwrap_or_else(|| "tokenlease".into());
    // Windows adds `.exe`.
    let name = Path::new(&program).file_name().unwrap_or_default().to_string_lossy();
    let protocol = match name.strip_suffix(".exe").unwrap_or(&name) {
        GIT => Some("git"),
        DOCKER => Some("docker"),
        _ => None,
    };
    let command = protocol.map(|protocol| ["credential".into(), protocol.into()]);
    [program].into_iter().chain(command.into_iter().flatten()).chain(given).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_selects_the_command_by_its_name() {
        for (given, expected) in [
            ("tokenlease token --show", "tokenlease token --show"),
            ("/bin/git-credential-tokenlease get", "credential git get"),
            ("git-credential-tokenlease.exe --profile a get", "credential git --profile a get"),
            ("docker-credential-tokenlease list", "credential docker list"),
            ("git-credential-other get", "git-credential-other get"),
            ("", ""),
        ] {
            let found = arguments(given.split(' ').map(OsString::from));
            let found: Vec<_> = found.iter().map(|word| word.to_string_lossy()).collect();
            assert!(found.join(" ").ends_with(expected), "{given}: {found:?}");
        }
        assert_eq!(arguments([]), ["tokenlease"]);
    }
}
