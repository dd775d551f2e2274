//! Exports the spans of a client to an OpenTelemetry collector, by OTLP over HTTP:
//! `cargo run -p tokenlease --features spans --example opentelemetry`.
//!
//! The collector is at `http://localhost:4318`, or where `OTEL_EXPORTER_OTLP_ENDPOINT` says. The server is an
//! emulator, which this program starts.

use std::error::Error;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tokenlease::{
    Client,
    core::{Credentials, Identity, provider::Server},
};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::{Layer as _, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

fn main() -> Result<(), Box<dyn Error>> {
    let exporting = export(None)?;
    let emulator = tokenlease_emulator::Emulator::builder().start_blocking()?;
    let winkas = emulator.winkas();
    let identity = Identity::winkas(&winkas.server(), &winkas.user(), &winkas.contract())?;
    let credentials = Credentials::password(winkas.password());
    let client = Client::builder(Server::new(identity), credentials).build()?.blocking();
    report(&client)?;
    // Sends the last spans.
    exporting.shutdown()?;
    Ok(())
}

/// Exports the spans of tokenlease, and of this program, to the collector. `endpoint` is the URL for traces, if
/// not the usual one.
pub(crate) fn export(endpoint: Option<&str>) -> Result<SdkTracerProvider, Box<dyn Error>> {
    // The exporter's HTTP client takes the process' provider of TLS. An error says that there is one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exporter = SpanExporter::builder().with_http();
    let exporter = match endpoint {
        Some(endpoint) => exporter.with_endpoint(endpoint),
        None => exporter,
    };
    let exporter = exporter.build()?;
    let provider = SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(Resource::builder().with_service_name("report-export").build())
        .build();
    let spans = tracing_opentelemetry::layer().with_tracer(provider.tracer("report-export"));
    let ours = Targets::new()
        .with_target("tokenlease", LevelFilter::INFO)
        .with_target("report_export", LevelFilter::INFO);
    tracing_subscriber::registry().with(spans.with_filter(ours)).try_init()?;
    Ok(provider)
}

/// The work of the program: a flight is a child of its span.
pub(crate) fn report(client: &tokenlease::blocking::Client) -> tokenlease::Result<()> {
    let _span = tracing::info_span!(target: "report_export", "report").entered();
    client.with_token(|token| println!("a token of {} bytes", token.expose().len()))
}
