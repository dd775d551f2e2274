# One-liners for people; nothing needs `just`.

default: check

# What a change must pass.
check: fmt lint test

fmt:
    cargo fmt --all

lint:
    cargo clippy --workspace --all-targets --all-features -- -D warnings

test:
    cargo test --workspace

demo:
    cargo run -- demo

# Random worlds; a failing one is cut down and told.
sim seeds="6000":
    cargo run --release -p tokenlease-sim -- --seeds {{seeds}}

# All interleavings of two processes, a year of faults, and other clients beside it.
interleavings:
    cargo run --release -p tokenlease-sim -- exhaustive

year:
    cargo run --release -p tokenlease-sim -- year

# Draws the README's picture and the figures beside it anew.
compare:
    cargo run --release -p tokenlease-sim -- compare --svg docs/fleet.svg --output json > docs/fleet.json

docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --open

# Accept changed snapshots; read the difference before you commit it.
snapshots:
    INSTA_UPDATE=always cargo test --workspace

deny:
    cargo deny check licenses bans sources

ci:
    .ci/run
