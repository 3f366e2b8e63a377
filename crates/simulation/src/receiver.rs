//! The app's part: takes webhooks over plain sockets, so that it can also hang up
//! at chosen moments, and keeps account of what it took.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the receiver does with one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Takes it and says so.
    Take,
    /// Refuses it with a 500.
    Refuse,
    /// Hangs up before it has looked at it.
    HangUp,
    /// Takes it, and hangs up before it says so.
    TakeAndHangUp,
}

/// A record as it was taken.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// The versions that came, with the messages that brought them.
    pub versions: BTreeMap<String, Vec<String>>,
}

/// What was taken.
#[derive(Debug, Default)]
pub struct Inbox {
    /// How often each message was taken, by id.
    pub messages: BTreeMap<String, u32>,
    /// By group, object and key.
    pub records: BTreeMap<(String, String, String), Taken>,
    /// Messages whose signature is wrong, or whose id came with another body.
    pub forged: u32,
    bodies: BTreeMap<String, u64>,
    secrets: Vec<String>,
    answers: VecDeque<Answer>,
    last: Option<Instant>,
    /// The longest time between two messages, where work was waiting is not asked.
    pub longest_gap: Duration,
}

impl Inbox {
    /// Messages taken again.
    #[must_use]
    pub fn duplicates(&self) -> u32 {
        self.messages.values().map(|times| times - 1).sum()
    }

    /// From now on messages signed with `secret` are genuine.
    pub fn trust(&mut self, secret: &str) {
        self.secrets.push(secret.to_owned());
    }

    /// What is done with the next messages; then they are taken again.
    pub fn answer_next(&mut self, answer: Answer, times: u32) {
        self.answers.extend((0..times).map(|_| answer));
    }

    /// From now on everything is taken.
    pub fn mend(&mut self) {
        self.answers.clear();
    }

    fn take(&mut self, head: &Head, body: &[u8]) {
        if !self.is_genuine(head, body) {
            self.forged += 1;
            return;
        }
        let seen = self
            .bodies
            .entry(head.id.clone())
            .or_insert_with(|| digest(body));
        if *seen != digest(body) {
            self.forged += 1;
            return;
        }
        let now = Instant::now();
        if let Some(last) = self.last.replace(now) {
            self.longest_gap = self.longest_gap.max(now - last);
        }
        let times = self.messages.entry(head.id.clone()).or_default();
        *times += 1;
        if *times == 1 {
            for (key, version) in records(body) {
                let taken = self.records.entry(key).or_default();
                taken
                    .versions
                    .entry(version)
                    .or_default()
                    .push(head.id.clone());
            }
        }
    }

    /// The time in the signature is left to whoever drives the clock.
    fn is_genuine(&self, head: &Head, body: &[u8]) -> bool {
        self.secrets.iter().any(|secret| {
            let right = standardwebhooks::Webhook::new(secret)
                .ok()
                .and_then(|webhook| webhook.sign(&head.id, head.timestamp, body).ok());
            right.is_some_and(|right| head.signature.split(' ').any(|given| given == right))
        })
    }
}

fn digest(body: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hasher as _};
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    hasher.finish()
}

/// The records of a message: each with group, object and key, and its version.
pub(crate) fn records(body: &[u8]) -> Vec<((String, String, String), String)> {
    let message: Value = serde_json::from_slice(body).expect("a message is JSON");
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let object = match message["rawObjectName"].as_str() {
        Some(object) => object.to_owned(),
        None => word(&message["objectName"]),
    };
    let group = word(&message["groupRef"]);
    let result = message["result"].as_array().cloned().unwrap_or_default();
    result
        .iter()
        .map(|entry| {
            let raw = &entry["raw"];
            let key = raw["full_name"].as_str().or(raw["key"].as_str());
            let key = (
                group.clone(),
                object.clone(),
                key.unwrap_or_default().to_owned(),
            );
            (key, word(&raw["updated_on"]))
        })
        .collect()
}

/// A receiver on a free port of loopback. It serves until it is dropped.
#[derive(Debug)]
pub struct Receiver {
    /// Where it listens.
    pub address: SocketAddr,
    inbox: Arc<Mutex<Inbox>>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Receiver {
    /// Starts it in the current runtime.
    ///
    /// # Errors
    /// When no port is to be had.
    pub async fn start() -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let inbox = Arc::new(Mutex::new(Inbox::default()));
        let shared = Arc::clone(&inbox);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inbox = Arc::clone(&shared);
                tokio::spawn(async move { serve(stream, &inbox).await.ok() });
            }
        });
        Ok(Self {
            address,
            inbox,
            task,
        })
    }

    /// What was taken so far.
    pub fn inbox(&self) -> MutexGuard<'_, Inbox> {
        lock(&self.inbox)
    }
}

fn lock(inbox: &Mutex<Inbox>) -> MutexGuard<'_, Inbox> {
    inbox.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lines of a request that matter.
#[derive(Debug, Default)]
struct Head {
    id: String,
    timestamp: i64,
    signature: String,
    length: usize,
}

/// One connection, kept for as long as the other side likes.
async fn serve(mut stream: TcpStream, inbox: &Mutex<Inbox>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    loop {
        let Some(end) = read_until_head(&mut stream, &mut buffer).await? else {
            return Ok(());
        };
        let head = parse(&buffer[..end]);
        while buffer.len() < end + head.length {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        let body: Vec<u8> = buffer.drain(..end + head.length).skip(end).collect();
        let answer = lock(inbox).answers.pop_front().unwrap_or(Answer::Take);
        let status = match answer {
            Answer::HangUp => return Ok(()),
            Answer::Refuse => "500 Internal Server Error",
            Answer::Take => {
                lock(inbox).take(&head, &body);
                "200 OK"
            }
            Answer::TakeAndHangUp => {
                lock(inbox).take(&head, &body);
                return Ok(());
            }
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await?;
    }
}

/// Reads up to the end of a head; `None` when the other side has gone.
async fn read_until_head(
    stream: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<usize>> {
    loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            return Ok(Some(at + 4));
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

fn parse(head: &[u8]) -> Head {
    let text = String::from_utf8_lossy(head);
    let mut parsed = Head::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "webhook-id" => value.clone_into(&mut parsed.id),
            "webhook-timestamp" => parsed.timestamp = value.parse().unwrap_or_default(),
            "webhook-signature" => value.clone_into(&mut parsed.signature),
            "content-length" => parsed.length = value.parse().unwrap_or_default(),
            _ => {}
        }
    }
    parsed
}
