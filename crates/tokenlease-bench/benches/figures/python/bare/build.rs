//! Links the extension module on platforms that need link arguments for it (macOS).

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
