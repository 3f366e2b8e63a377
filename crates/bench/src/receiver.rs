//! A destination that takes every message and looks no further than the number
//! of records that it says it carries.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::PATIENCE;
use crate::wire::Requests;

/// In which part of a message its number of records stands.
const ENVELOPE_BYTES: usize = 2048;
/// What comes before it.
const NUMBER: &[u8] = b"\"numRecords\":";

/// What has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Received {
    /// Messages.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The records that they say they carry.
    pub records: u64,
}

/// The destination; it lives as long as the program.
#[derive(Debug)]
pub struct Receiver {
    /// Where it takes messages; any further path will do as well.
    pub url: String,
    received: watch::Sender<Received>,
}

impl Receiver {
    /// Starts on a port of its own.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr()?),
            received: watch::Sender::default(),
        };
        let received = receiver.received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let received = received.clone();
                tokio::spawn(async move { take(stream, &received).await });
            }
        });
        Ok(receiver)
    }

    /// What has come so far.
    #[must_use]
    pub fn received(&self) -> Received {
        *self.received.borrow()
    }

    /// Forgets what has come.
    pub fn reset(&self) {
        self.received.send_replace(Received::default());
    }

    /// Waits until enough has come.
    ///
    /// # Errors
    /// When it does not come within `PATIENCE`.
    pub async fn until(&self, enough: impl FnMut(&Received) -> bool) -> Result<Received> {
        let mut received = self.received.subscribe();
        let came = tokio::time::timeout(PATIENCE, received.wait_for(enough)).await;
        let now = *came.context("too few messages came")??;
        Ok(now)
    }
}

async fn take(mut stream: TcpStream, received: &watch::Sender<Received>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = Requests::new();
    while let Some(request) = requests.next(&mut stream, ENVELOPE_BYTES).await? {
        let records = number_of_records(&request.body_start);
        stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await?;
        received.send_modify(|all| {
            all.messages += 1;
            all.bytes += request.body_bytes;
            all.records += records;
        });
    }
    Ok(())
}

/// The number of records as the envelope has it; 0 where it has none.
fn number_of_records(envelope: &[u8]) -> u64 {
    let mut windows = envelope.windows(NUMBER.len());
    let Some(at) = windows.position(|window| window == NUMBER) else {
        return 0;
    };
    let digits = envelope.iter().skip(at + NUMBER.len());
    digits
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::number_of_records;

    #[test]
    fn the_envelope_is_read_and_nothing_else() {
        let message =
            br#"{"action":"read","resultInfo":{"type":"inline","numRecords":97},"result":[]}"#;
        assert_eq!(number_of_records(message), 97);
        assert_eq!(number_of_records(b"{}"), 0);
    }
}
