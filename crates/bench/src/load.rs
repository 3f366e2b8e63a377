//! Clients that ask the same over and over, each on a connection of its own, and
//! how long each answer took.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::report::figure;

/// A client reads so much at once.
const READ: usize = 256 * 1024;

/// What many answers took.
#[derive(Debug, Clone)]
pub struct Answers {
    /// Answers a second.
    pub rate: f64,
    /// How many there were.
    pub count: u64,
    /// The median in microseconds.
    pub median_us: f64,
    /// The 99th percentile in microseconds.
    pub p99_us: f64,
}

/// One connection, and what has been read of it.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; READ],
        })
    }

    /// Sends a head, and `body_bytes` of a body.
    ///
    /// # Errors
    /// When the other end has closed.
    pub async fn send(&mut self, head: &[u8], body_bytes: u64) -> Result<()> {
        self.stream.write_all(head).await?;
        let mut left = body_bytes;
        while left > 0 {
            let here = usize::try_from(left).unwrap_or(usize::MAX).min(READ);
            let piece = self.buffer.get(..here).unwrap_or_default();
            self.stream.write_all(piece).await?;
            left -= u64::try_from(here)?;
        }
        Ok(())
    }

    /// Takes the head of an answer: how long its body is, and how much of that has
    /// come with it.
    ///
    /// # Errors
    /// When it is not a 200 whose length is told.
    pub async fn head(&mut self) -> Result<(u64, u64)> {
        let mut filled = 0;
        loop {
            let room = self.buffer.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(room).await?;
            anyhow::ensure!(read > 0, "an answer was cut off");
            filled += read;
            let seen = self.buffer.get(..filled).unwrap_or_default();
            let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let head = std::str::from_utf8(seen.get(..end).unwrap_or_default())?;
            anyhow::ensure!(head.starts_with("HTTP/1.1 200 "), "{head}");
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse().ok()).flatten()
            });
            let length = length.context("an answer without a length")?;
            return Ok((length, u64::try_from(filled - end - 4)?));
        }
    }

    /// Takes the rest of a body.
    ///
    /// # Errors
    /// When it is cut off.
    pub async fn rest(&mut self, mut left: u64) -> Result<()> {
        while left > 0 {
            let read = self.stream.read(&mut self.buffer).await?;
            anyhow::ensure!(read > 0, "a body was cut off");
            left = left.saturating_sub(u64::try_from(read)?);
        }
        Ok(())
    }

    /// Asks once and takes the answer.
    ///
    /// # Errors
    /// As its parts.
    pub async fn ask(&mut self, head: &[u8]) -> Result<()> {
        self.send(head, 0).await?;
        let (length, come) = self.head().await?;
        self.rest(length.saturating_sub(come)).await
    }
}

/// Keeps this process from going to sleep. Whoever answers a load that sleeps has to
/// wake it, at the cost of its own core; the slower of two would pay that more often.
async fn stay_awake() -> Infallible {
    loop {
        tokio::task::yield_now().await;
    }
}

/// Asks over so many connections for so long; what comes in the first tenth is
/// not counted.
///
/// # Errors
/// When any answer is not a whole 200.
pub async fn load(
    address: SocketAddr,
    head: &str,
    connections: usize,
    time: Duration,
) -> Result<Answers> {
    let head: std::sync::Arc<[u8]> = head.as_bytes().into();
    let begun = Instant::now() + time / 10;
    let end = begun + time;
    let mut clients = JoinSet::new();
    for _ in 0..connections {
        let head = std::sync::Arc::clone(&head);
        let mut client = Client::connect(address).await?;
        clients.spawn(async move {
            let mut took = Vec::new();
            loop {
                let asked = Instant::now();
                if asked >= end {
                    return anyhow::Ok(took);
                }
                client.ask(&head).await?;
                if asked >= begun {
                    took.push(asked.elapsed());
                }
            }
        });
    }
    let mut took = Vec::new();
    let gather = async {
        while let Some(one) = clients.join_next().await {
            took.extend(one??);
        }
        anyhow::Ok(())
    };
    tokio::select! {
        gathered = gather => gathered?,
        never = stay_awake() => match never {},
    }
    let seconds = begun.elapsed().as_secs_f64();
    took.sort_unstable();
    let at = |part: usize| {
        let index = (took.len() * part / 100).min(took.len().saturating_sub(1));
        took.get(index).map_or(0.0, |took| took.as_secs_f64() * 1e6)
    };
    let count = u64::try_from(took.len())?;
    Ok(Answers {
        rate: figure(count) / seconds,
        count,
        median_us: at(50),
        p99_us: at(99),
    })
}
