"""Untested. Builds the clone that contains it; it needs the Rust toolchain:

    conan create bindings/c/packaging/conan
"""

from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.files import copy


class Tokenlease(ConanFile):
    name = "tokenlease"
    version = "0.1.0"
    license = "MIT OR Apache-2.0"
    description = "Gets, caches and shares API tokens of WinKAS Air, Wyn Enterprise and OAuth2 servers"
    package_type = "library"
    settings = "os", "arch"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    def validate(self):
        if self.settings.os not in ("Linux", "Macos"):
            raise ConanInvalidConfiguration("install.sh supports Linux and macOS")

    def export_sources(self):
        root = Path(self.recipe_folder).parents[3]
        for pattern in ("Cargo.*", "LICENSE-*", "crates/*", "bindings/*", "include/*", "tests/*"):
            copy(self, pattern, root, self.export_sources_folder, excludes="target/*")

    def build(self):
        self.run("cargo build --locked --profile dist -p tokenlease-c")

    def package(self):
        self.run(f'PREFIX="{self.package_folder}" bindings/c/install.sh')
        copy(self, "LICENSE-*", self.source_folder, Path(self.package_folder) / "licenses")

    def package_info(self):
        self.cpp_info.set_property("pkg_config_name", "tokenlease")
        self.cpp_info.set_property("cmake_file_name", "tokenlease")
        self.cpp_info.set_property("cmake_target_name", "tokenlease::tokenlease")
        if self.options.shared:
            self.cpp_info.libs = ["tokenlease"]
        else:
            self.cpp_info.libs = [":libtokenlease.a"]
            self.cpp_info.defines = ["TOKENLEASE_STATIC"]
            self.cpp_info.system_libs = ["pthread", "m", "dl"]
