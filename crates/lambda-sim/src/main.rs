//! The simulated Lambda service as a process.

use std::io::{self, Write as _};
use std::thread;

use clap::Parser;
use power_tuner_lambda_sim::{Options, Sim};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// A simulated AWS Lambda service on loopback.
#[derive(Parser)]
struct Arguments {
    /// The port to listen on; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Real time for each unit of simulated time: 1 is real time, 0.01 a hundred times faster, 0 never waits
    #[arg(long, default_value_t = 1.0)]
    time_scale: f64,
    /// What all ids and durations follow from
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The region in the ARNs
    #[arg(long, default_value = "us-east-1")]
    region: String,
    /// The account in the ARNs
    #[arg(long, default_value = "123456789012")]
    account: String,
    /// Calls that the account may have under way at once
    #[arg(long, default_value_t = 1000)]
    account_concurrency: u32,
    /// Control plane requests that the account may make in a second of real time, which are 15 on AWS; unlimited if left out
    #[arg(long)]
    control_plane_per_s: Option<u32>,
    /// How long a request of an action is on its way, in simulated milliseconds; may be given for several actions
    #[arg(long, value_name = "ACTION=MS", value_parser = latency)]
    latency: Vec<(String, f64)>,
    /// How long an update of a function is in progress, in simulated milliseconds
    #[arg(long, default_value_t = Options::default().update_ms)]
    update_ms: f64,
    /// How long a new version is pending, in simulated milliseconds
    #[arg(long, default_value_t = Options::default().publish_ms)]
    publish_ms: f64,
    /// End when standard input ends, so that it cannot outlive who started it
    #[arg(long)]
    until_stdin_closes: bool,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let stdin_ends = arguments.until_stdin_closes.then(stdin_ends);
    let sim = Sim::start(arguments.options()).await?;
    println!("listening on {}", sim.url());
    io::stdout().flush()?;
    until_told_to_end(stdin_ends).await
}

impl Arguments {
    fn options(self) -> Options {
        Options {
            port: self.port,
            time_scale: self.time_scale,
            seed: self.seed,
            region: self.region,
            account: self.account,
            account_concurrency: self.account_concurrency,
            control_plane_per_s: self.control_plane_per_s,
            latencies: self.latency.into_iter().collect(),
            update_ms: self.update_ms,
            publish_ms: self.publish_ms,
            ..Options::default()
        }
    }
}

fn latency(text: &str) -> Result<(String, f64), String> {
    let read = text.split_once('=').and_then(|(action, ms)| {
        let ms: f64 = ms.parse().ok()?;
        (!action.is_empty() && ms >= 0.0 && ms.is_finite()).then(|| (action.to_owned(), ms))
    });
    read.ok_or_else(|| "an action and milliseconds, such as PublishVersion=250".to_owned())
}

async fn until_told_to_end(stdin_ends: Option<oneshot::Receiver<()>>) -> io::Result<()> {
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stdin_ends = async {
        match stdin_ends {
            Some(ends) => drop(ends.await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = stdin_ends => {}
    }
    Ok(())
}

/// A thread of its own: Tokio's would keep the process from ending while a read blocks.
fn stdin_ends() -> oneshot::Receiver<()> {
    let (ended, receiver) = oneshot::channel();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    receiver
}
