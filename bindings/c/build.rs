//! Sets the soname of the shared library, so that programs load the version that they were linked
//! with. Before 1.0 a minor version may break programs, so the soname contains it.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let of = |name: &str| env::var(name).unwrap_or_default();
    let version = match of("CARGO_PKG_VERSION_MAJOR").as_str() {
        "0" => format!("0.{}", of("CARGO_PKG_VERSION_MINOR")),
        major => major.to_owned(),
    };
    // Both libraries may be installed beside each other.
    let library = match of("CARGO_FEATURE_FULL").as_str() {
        "" => "libtokenlease",
        _ => "libtokenlease-full",
    };
    match of("CARGO_CFG_TARGET_OS").as_str() {
        "macos" | "ios" => println!(
            "cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/{library}.{version}.dylib"
        ),
        "windows" => {}
        _ => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,{library}.so.{version}");
        }
    }
}
