//! How an extension module is linked where it is not simply left to the loader (macOS).

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
