//! The C and C++ samples of this package's README compile and run. `tests/documents` runs the
//! others.

use std::fs;

use tokenlease_emulator::Emulator;

use crate::support::{Provider, Site, compile, folder, root, succeed};

/// Returns the first code block in that language.
fn sample<'a>(page: &'a str, language: &str) -> &'a str {
    let fence = format!("```{language}\n");
    let (_, code) = page.split_once(&fence).expect("a sample in that language");
    code.split_once("```").expect("a block that ends").0
}

#[test]
fn the_samples_of_the_readme_compile_and_run() {
    // A provider that knows the user of the samples.
    let builder = Emulator::builder().winkas_credentials("NAME", "PASSWORD", "CODE");
    let site = Site { emulator: builder.start_blocking().unwrap(), provider: Provider::Winkas };
    let server = site.emulator.winkas().server();
    let page = fs::read_to_string(root().join("bindings/c/README.md")).unwrap();
    for language in ["c", "cpp"] {
        let source = folder("programs").join(format!("readme.{language}"));
        fs::write(&source, sample(&page, language)).unwrap();
        let Some(program) = compile(&source, &format!("readme-{language}")) else { return };
        succeed(site.command(program).env("SERVER", &server));
    }
    assert_eq!(site.logins(), 1, "the second program finds the token of the first by a refetch");
}
