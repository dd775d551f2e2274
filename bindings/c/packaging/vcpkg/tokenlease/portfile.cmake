# Untested. An overlay port that builds the clone that contains it; it needs the Rust toolchain:
#
#   vcpkg install tokenlease --overlay-ports=bindings/c/packaging/vcpkg
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../../../.." ABSOLUTE)
find_program(CARGO cargo REQUIRED)

set(ENV{CARGO_TARGET_DIR} "${CURRENT_BUILDTREES_DIR}/target")
vcpkg_execute_required_process(
  COMMAND "${CARGO}" build --locked --profile dist -p tokenlease-c
  WORKING_DIRECTORY "${SOURCE_PATH}"
  LOGNAME "build-${TARGET_TRIPLET}")
set(ENV{PREFIX} "${CURRENT_PACKAGES_DIR}")
vcpkg_execute_required_process(
  COMMAND "${SOURCE_PATH}/bindings/c/install.sh"
  WORKING_DIRECTORY "${SOURCE_PATH}"
  LOGNAME "install-${TARGET_TRIPLET}")

vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/tokenlease)
vcpkg_fixup_pkgconfig()
# Rust builds one configuration.
set(VCPKG_BUILD_TYPE release)
vcpkg_install_copyright(
  FILE_LIST "${SOURCE_PATH}/LICENSE-MIT" "${SOURCE_PATH}/LICENSE-APACHE")
