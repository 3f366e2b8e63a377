//! As much of HTTP/1.1 as a client of ours speaks: requests one after the other
//! on a connection, a body only with its length told.

use anyhow::{Context as _, Result};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

/// The largest head of a request.
const HEAD_MAX_BYTES: usize = 32 * 1024;
/// How much is read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// One side of a connection, with what was read too far.
pub(crate) struct Requests {
    buffer: Vec<u8>,
    filled: usize,
}

/// A request, its body up to the part that is of interest.
pub(crate) struct Request {
    /// Path and query.
    pub(crate) target: String,
    /// How long the body was.
    pub(crate) body_bytes: u64,
    /// The beginning of the body.
    pub(crate) body_start: Vec<u8>,
}

impl Requests {
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; CHUNK_BYTES],
            filled: 0,
        }
    }

    /// The next request, its body taken off the wire and but for the first
    /// `keep` bytes forgotten; `None` when the client has closed.
    pub(crate) async fn next(
        &mut self,
        stream: &mut TcpStream,
        keep: usize,
    ) -> Result<Option<Request>> {
        let head_ends = loop {
            let read = self.buffer.get(..self.filled).unwrap_or_default();
            if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            anyhow::ensure!(self.filled < HEAD_MAX_BYTES, "a request without an end");
            if self.fill(stream).await? == 0 {
                return Ok(None);
            }
        };
        let head = self.buffer.get(..head_ends).unwrap_or_default();
        let head = std::str::from_utf8(head).context("a head that is not text")?;
        let target = head.split(' ').nth(1).context("no target")?.to_owned();
        let body_bytes = length(head);
        let mut body_start = Vec::with_capacity(keep);
        self.forget(head_ends);
        let mut left = body_bytes;
        while left > 0 {
            if self.filled == 0 && self.fill(stream).await? == 0 {
                anyhow::bail!("a body that is cut off");
            }
            let here = self.filled.min(usize::try_from(left).unwrap_or(usize::MAX));
            let wanted = here.min(keep - body_start.len());
            body_start.extend_from_slice(self.buffer.get(..wanted).unwrap_or_default());
            self.forget(here);
            left -= u64::try_from(here).unwrap_or(u64::MAX);
        }
        Ok(Some(Request {
            target,
            body_bytes,
            body_start,
        }))
    }

    async fn fill(&mut self, stream: &mut TcpStream) -> Result<usize> {
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        // A client that goes away while it waits is no error here.
        let read = stream.read(room).await.unwrap_or(0);
        self.filled += read;
        Ok(read)
    }

    fn forget(&mut self, bytes: usize) {
        self.buffer.copy_within(bytes..self.filled, 0);
        self.filled -= bytes;
    }
}

/// The body's length as the head tells it.
fn length(head: &str) -> u64 {
    let mut lengths = head.lines().filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let is_length = name.eq_ignore_ascii_case("content-length");
        is_length.then(|| value.trim().parse().ok()).flatten()
    });
    lengths.next_back().unwrap_or(0)
}
