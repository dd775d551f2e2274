//! Makes the Rust blocks of the documents into code that tests compile and run: the program of the
//! quickstart as a file, all other blocks as modules.

use std::{env, fmt::Write as _, fs, path::Path};

/// The pages that have Rust blocks.
const PAGES: [&str; 3] = ["README.md", "docs/quickstart-rust.md", "docs/stores.md"];
/// The server of examples that name one; tests put an emulator in its place.
const SERVER: &str = "\"https://air.winkas.net\"";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var("OUT_DIR").expect("cargo sets it");
    let mut modules = format!(
        "/// The server that the examples use.\n{}",
        "pub static SERVER: std::sync::OnceLock<String> = std::sync::OnceLock::new();\n"
    );
    let mut program = None;
    for page in PAGES {
        let path = format!("../{page}");
        println!("cargo::rerun-if-changed={path}");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        for (index, block) in text.split("```rust\n").skip(1).enumerate() {
            let block = block.split("```").next().expect("a split has a first part");
            if block.contains("fn main()") {
                assert!(program.replace(block.to_owned()).is_none(), "{page}: a second program");
                continue;
            }
            let name = page.trim_end_matches(".md").replace(['/', '-'], "_").to_lowercase();
            let block = block
                .replace(SERVER, "super::SERVER.get().unwrap()")
                .replace("\nasync fn", "\npub async fn")
                .replace("\nfn", "\npub fn");
            write!(modules, "/// A block of {page}.\npub mod {name}_{index} {{\n{block}}}\n")
                .expect("written");
        }
    }
    fs::write(Path::new(&out).join("pages.rs"), modules).expect("written");
    let program = program.expect("the quickstart has a program");
    fs::write(Path::new(&out).join("quickstart.rs"), program).expect("written");
}
