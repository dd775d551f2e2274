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
sim seeds="10000":
    cargo run --release -p tokenlease-sim -- --seeds {{seeds}}

docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --open

# Accept changed snapshots; read the difference before you commit it.
snapshots:
    INSTA_UPDATE=always cargo test --workspace

deny:
    cargo deny check licenses bans sources

ci:
    .ci/run
