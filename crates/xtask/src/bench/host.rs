//! A small Lambda: runs one function's binary, and is the runtime API that it asks for work.
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::Value;

/// Linux counts a process's time in these, whatever the kernel's own are.
const TICKS_PER_S: f64 = 100.0;
/// What an answer to the function has to wait for at the most.
const PATIENCE: Duration = Duration::from_mins(2);
/// What the function believes its timeout is.
const TIMEOUT: Duration = Duration::from_mins(15);

/// A function's process, with the runtime API that it talks to. It ends with this.
pub(super) struct Host {
    process: Child,
    /// From the start of the process to its first question for work.
    pub start: Duration,
    events: Sender<Value>,
    answers: Receiver<Answer>,
}

/// What the function says of an event.
enum Answer {
    Ready(Instant),
    Done(Value),
    Failed(Value),
}

impl Host {
    /// Starts a binary, and waits until it asks for work.
    pub fn start(binary: &Path, environment: &[(&str, &str)]) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (events, waiting) = channel();
        let (said, answers) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        thread::spawn(move || {
            for connection in listener.incoming().map_while(io::Result::ok) {
                let (waiting, said) = (Arc::clone(&waiting), said.clone());
                // A function that ends, or that nobody waits for any more, breaks its connections.
                thread::spawn(move || drop(serve(connection, &waiting, &said)));
            }
        });
        let begin = Instant::now();
        let process = Command::new(binary)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "bench")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_REGION", "us-east-1")
            .env("AWS_ACCESS_KEY_ID", "local-key")
            .env("AWS_SECRET_ACCESS_KEY", "local-secret")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start `{}`", binary.display()))?;
        let mut host = Self {
            process,
            start: Duration::ZERO,
            events,
            answers,
        };
        match host.next()? {
            Answer::Ready(at) => host.start = at - begin,
            Answer::Done(_) | Answer::Failed(_) => bail!("it answered before it was asked"),
        }
        Ok(host)
    }

    /// Has it work on an event, and says how long that took.
    pub fn call(&mut self, event: Value) -> Result<(Value, Duration)> {
        let begin = Instant::now();
        self.events.send(event)?;
        loop {
            match self.next()? {
                Answer::Ready(_) => {}
                Answer::Done(answer) => return Ok((answer, begin.elapsed())),
                Answer::Failed(error) => bail!("it failed: {error}"),
            }
        }
    }

    /// The most memory that it had so far, in MB.
    pub fn peak_mb(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))
            .context("how much memory a process had is known on Linux only")?;
        let kb = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|line| line.trim().strip_suffix(" kB"))
            .and_then(|kb| kb.trim().parse::<f64>().ok());
        Ok(kb.context("the process has no VmHWM")? / 1024.0)
    }

    /// Seconds of a processor that it has used so far.
    pub fn processor_s(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))
            .context("what a process used is known on Linux only")?;
        // User and system time are the 14th and 15th field; the second one, a name in brackets, may have blanks.
        let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>);
        let ticks: f64 = ticks.sum::<Result<f64, _>>().context("it has no times")?;
        Ok(ticks / TICKS_PER_S)
    }

    fn next(&mut self) -> Result<Answer> {
        match self.answers.recv_timeout(PATIENCE) {
            Ok(answer) => Ok(answer),
            Err(RecvTimeoutError::Timeout) => Err(anyhow!("no answer for {PATIENCE:?}")),
            Err(RecvTimeoutError::Disconnected) => Err(anyhow!("nobody listens any more")),
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Answers the requests of one connection.
fn serve(
    connection: TcpStream,
    waiting: &Mutex<Receiver<Value>>,
    said: &Sender<Answer>,
) -> Result<()> {
    connection.set_nodelay(true)?;
    let mut answers = connection.try_clone()?;
    let mut requests = BufReader::new(connection);
    while let Some((path, body)) = request(&mut requests)? {
        if path.ends_with("/invocation/next") {
            said.send(Answer::Ready(Instant::now()))?;
            let event = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv()?
                .to_string();
            let deadline = SystemTime::now().duration_since(UNIX_EPOCH)? + TIMEOUT;
            write!(
                answers,
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
                 lambda-runtime-aws-request-id: 00000000-0000-0000-0000-000000000000\r\n\
                 lambda-runtime-invoked-function-arn: arn:aws:lambda:us-east-1:123456789012:function:bench\r\n\
                 lambda-runtime-deadline-ms: {}\r\ncontent-length: {}\r\n\r\n{event}",
                deadline.as_millis(),
                event.len(),
            )?;
            continue;
        }
        answers.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        said.send(if path.ends_with("/response") {
            Answer::Done(body)
        } else {
            Answer::Failed(body)
        })?;
    }
    Ok(())
}

/// A request's path and body, if there is one more.
fn request(requests: &mut BufReader<TcpStream>) -> Result<Option<(String, Vec<u8>)>> {
    let mut line = String::new();
    requests.read_line(&mut line)?;
    let Some(path) = line.split(' ').nth(1).map(str::to_owned) else {
        return Ok(None);
    };
    let mut length = 0;
    let mut is_chunked = false;
    loop {
        line.clear();
        requests.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse()?,
            "transfer-encoding" => is_chunked = value.trim() == "chunked",
            _ => {}
        }
    }
    let mut body = Vec::new();
    if is_chunked {
        loop {
            line.clear();
            requests.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim(), 16)?;
            requests.by_ref().take(size).read_to_end(&mut body)?;
            line.clear();
            requests.read_line(&mut line)?;
            if size == 0 {
                break;
            }
        }
    } else {
        requests.by_ref().take(length).read_to_end(&mut body)?;
    }
    Ok(Some((path, body)))
}
