//! Child processes: started, asked, ended, and looked at through `/proc`.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

use super::TOKEN;

/// What `/proc` counts processor time in.
const TICK: Duration = Duration::from_millis(10);
/// A server that was asked to end does so within this.
const LONGEST_END: Duration = Duration::from_secs(60);
/// What single requests may take.
const PATIENCE: Duration = Duration::from_secs(600);

/// A child that listens. It is killed when it is no longer looked at.
pub(super) struct Server {
    child: Child,
    pub(super) addr: SocketAddr,
    /// What it prints later finds an open pipe.
    _out: BufReader<ChildStdout>,
}

impl Server {
    /// Starts it and reads its address from the `url` of its first line.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start a server")?;
        let out = BufReader::new(child.stdout.take().context("no stdout")?);
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, addr, _out: out };
        let mut line = String::new();
        server._out.read_line(&mut line)?;
        let start: serde_json::Value = serde_json::from_str(&line)
            .with_context(|| format!("the server did not start: {line:?}"))?;
        let url = start["url"].as_str().context("the server tells no url")?;
        server.addr = url.trim_start_matches("http://").parse()?;
        Ok(server)
    }

    pub(super) fn usage(&self) -> Result<Usage> {
        Usage::of(&self.child.id().to_string())
    }

    /// Asks it to end, as a supervisor does, and waits until it has.
    pub(super) async fn stop(mut self) -> Result<()> {
        kill(Pid::from_raw(self.child.id().try_into()?), Signal::SIGTERM)?;
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "a server ended with {status}");
                return Ok(());
            }
            ensure!(asked.elapsed() < LONGEST_END, "a server does not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Usage {
    /// Processor time.
    pub(super) cpu: Duration,
    /// Resident bytes now.
    pub(super) resident: u64,
    /// Resident bytes at most so far.
    pub(super) peak: u64,
}

impl Usage {
    /// Of the process with that number, or of `self`, where there is a `/proc`.
    pub(super) fn of(process: &str) -> Result<Self> {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
        let after_name = stat.rsplit_once(')').context("stat")?.1;
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u32>().ok());
        let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
        let bytes = |name: &str| -> Result<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).context("status")?;
            Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
        };
        Ok(Self {
            cpu: TICK * (ticks(11).context("utime")? + ticks(12).context("stime")?),
            resident: bytes("VmRSS:")?,
            peak: bytes("VmHWM:")?,
        })
    }
}

/// Processor time that all processes of the machine have used together so far, where there is a `/proc`.
pub(super) fn busy() -> Result<Duration> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let all = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).context("stat")?;
    let fields: Vec<u32> =
        all.split_whitespace().map(str::parse).collect::<Result<_, _>>().context("stat")?;
    // Beside the two kinds of idleness; what guests use is in the rest.
    let busy = fields.iter().enumerate().take(8).filter(|(at, _)| ![3, 4].contains(at));
    Ok(TICK * busy.map(|(_, ticks)| ticks).sum::<u32>())
}

/// One keep-alive connection.
pub(super) struct Client {
    addr: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Client {
    pub(super) async fn open(addr: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(addr).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { addr, sender })
    }

    /// Sends a request to a path of the server, and reads the whole answer.
    pub(super) async fn send(
        &mut self,
        request: hyper::http::request::Builder,
        body: Vec<u8>,
    ) -> Result<(StatusCode, Bytes)> {
        let request =
            request.header("host", self.addr.to_string()).body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<(StatusCode, Bytes)> {
        let request = Request::get(path).header("authorization", format!("Bearer {TOKEN}"));
        let answer = tokio::time::timeout(PATIENCE, self.send(request, Vec::new())).await;
        answer.with_context(|| format!("no answer to {path}"))?
    }
}
