# One-liners for people; nothing needs `just`.

default: check

# The checks that a change must pass.
check: fmt lint test

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

test:
    cargo test --workspace

# The Python package's tests with every Python from 3.9 on that is on the path or installed by pyenv.
pythons versions="all":
    TOKENLEASE_PYTHONS="{{versions}}" cargo test -p tokenlease-tests --test python other_versions -- --nocapture

demo:
    cargo run -- demo

# Random worlds; a failing one is reduced and printed.
sim seeds="10000":
    cargo run --release -p tokenlease-sim -- --seeds {{seeds}}

# All interleavings of two processes, a year of faults, and other clients beside it.
interleavings:
    cargo run --release -p tokenlease-sim -- exhaustive

year:
    cargo run --release -p tokenlease-sim -- year

# Run the benchmarks: the table of docs/benchmarks.md.
figures:
    cargo bench --bench figures

# Redraws the README's picture and its figures.
compare:
    cargo run --release -p tokenlease-sim -- compare --svg docs/fleet.svg --output json > docs/fleet.json

# The rules of a shared store, over and over; needs the servers that `.ci/run` installs.
soak rounds="1000":
    TOKENLEASE_ROUNDS={{rounds}} cargo test -p tokenlease-store --all-features --test multiprocess -- --nocapture

# A further OAuth2 server for the tests to install and try: tests/servers/README.md.
add-server name:
    sh tests/servers/add.sh {{name}}

# Fuzz each parser and the state machine. It installs cargo-fuzz, and needs no nightly compiler.
fuzz seconds="60":
    cargo fuzz --version || cargo install cargo-fuzz --locked
    for target in tests/fuzz/fuzz_targets/*.rs; do \
        name=$(basename "$target" .rs); \
        RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=target/fuzz cargo fuzz run --fuzz-dir tests/fuzz -D -s none "$name" \
            "tests/fuzz/corpus/$name" tests/fixtures/captures -- -max_total_time={{seconds}} || exit 1; \
    done

# A day of a busy service in minutes. It fails if memory, handles or threads grow.
load:
    cargo bench -p tokenlease-bench --bench load

# Tests under ThreadSanitizer and AddressSanitizer, on Linux: CONTRIBUTING.md.
tsan *args:
    .ci/sanitizers thread {{args}}

asan *args:
    .ci/sanitizers address {{args}}

# Install the tools of `cross`, on Debian 12: CONTRIBUTING.md.
cross-setup:
    ci/cross/setup

# Build for another system and run it: windows, windows-test, windows-c, arm64, musl, manylinux, macos, wasm.
cross target *args:
    ci/cross/build {{target}} {{args}}

# The types for a Mac and WebAssembly, as in CI, or tests and C programs for Windows: types, windows.
cross-check part="types":
    ci/cross/check {{part}}

# All artefacts of a release, in dist/: RELEASE.md. It needs Debian 12.
release:
    ci/cross/setup
    ci/release/run

# Build a part of it again elsewhere and compare the bytes: run, programs, c-libraries, wheels, crates, sbom.
release-twice part="run" *args:
    ci/release/twice {{part}} {{args}}

# Wheels of the Python face and of the program, optimized, in target/wheels: 4 MiB at most. They need maturin.
wheel:
    cd python && maturin build --compression-level 9 --out ../target/wheels
    cd python/emulator && maturin build --compression-level 9 --out ../../target/wheels
    test -z "$(find target/wheels -name '*.whl' -size +4096k)"

docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --open

# Accept changed snapshots; read the difference before you commit it.
snapshots:
    INSTA_UPDATE=always cargo test --workspace

# Accept a changed include/tokenlease.h; read the difference before you commit it.
header:
    TOKENLEASE_ACCEPT_HEADER=1 cargo test -p tokenlease-c --test header

# Install the C library below a prefix.
install-c prefix="/usr/local" libdir="lib":
    cargo build --profile dist -p tokenlease-c
    PREFIX={{prefix}} LIBDIR={{libdir}} bindings/c/install.sh

# An archive of the C library for this platform, with the licences of its dependencies, in target/archive.
archive:
    cargo build --profile dist -p tokenlease-c
    bindings/c/archive.sh

deny:
    cargo deny check licenses bans sources

ci:
    .ci/run

# Completions for bash, zsh, fish and PowerShell, and manual pages.
generate to="target/generated":
    cargo run -p tokenlease-cli --example generate -- {{to}}

# Install the program, its completions and its manual pages below a prefix.
install prefix="/usr/local":
    cargo build --profile dist -p tokenlease-cli
    cargo run -p tokenlease-cli --example generate -- target/generated
    install -D -m 755 target/dist/tokenlease {{prefix}}/bin/tokenlease
    install -D -m 644 target/generated/completions/tokenlease.bash {{prefix}}/share/bash-completion/completions/tokenlease
    install -D -m 644 target/generated/completions/_tokenlease {{prefix}}/share/zsh/site-functions/_tokenlease
    install -D -m 644 target/generated/completions/tokenlease.fish {{prefix}}/share/fish/vendor_completions.d/tokenlease.fish
    install -d {{prefix}}/share/man/man1
    install -m 644 target/generated/man/*.1 {{prefix}}/share/man/man1
