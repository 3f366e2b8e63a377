//! A provider that answers at once: pages of repositories by key, and nothing
//! else. It holds its first answer back until the measurement begins.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::PATIENCE;
use crate::repositories::Repositories;
use crate::wire::Requests;

/// The provider; it lives as long as the program.
#[derive(Debug)]
pub struct Provider {
    /// Its origin.
    pub url: String,
    open: watch::Sender<bool>,
    asked: watch::Sender<u64>,
}

struct Shared {
    repositories: Arc<Repositories>,
    origin: String,
    date: String,
    open: watch::Receiver<bool>,
    asked: watch::Sender<u64>,
}

impl Provider {
    /// Starts on a port of its own, answers held back. `date` goes into every
    /// answer.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start(repositories: Arc<Repositories>, date: jiff::Timestamp) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let provider = Self {
            url: format!("http://{}", listener.local_addr()?),
            open: watch::Sender::new(false),
            asked: watch::Sender::new(0),
        };
        let shared = Arc::new(Shared {
            repositories,
            origin: provider.url.clone(),
            date: date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            open: provider.open.subscribe(),
            asked: provider.asked.clone(),
        });
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&shared);
                tokio::spawn(async move { shared.serve(stream).await });
            }
        });
        Ok(provider)
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> u64 {
        *self.asked.borrow()
    }

    /// Waits until that many requests have come, answered or not.
    ///
    /// # Errors
    /// When they do not come within `PATIENCE`.
    pub async fn asked(&self, times: u64) -> Result<()> {
        let mut asked = self.asked.subscribe();
        let came = tokio::time::timeout(PATIENCE, asked.wait_for(|asked| *asked >= times));
        came.await.context("too few requests came")??;
        Ok(())
    }

    /// Answers from now on, what waits and what comes.
    pub fn open(&self) {
        self.open.send_replace(true);
    }
}

impl Shared {
    async fn serve(&self, mut stream: TcpStream) -> Result<()> {
        stream.set_nodelay(true)?;
        let mut requests = Requests::new();
        while let Some(request) = requests.next(&mut stream, 0).await? {
            self.asked.send_modify(|asked| *asked += 1);
            self.open.clone().wait_for(|open| *open).await?;
            let body = self.repositories.answer(&request.target, &self.origin);
            let status = if body.is_some() {
                "200 OK"
            } else {
                "404 Not Found"
            };
            let body = body.unwrap_or_default();
            let head = format!(
                "HTTP/1.1 {status}\r\ndate: {}\r\ncontent-type: application/json; charset=utf-8\r\n\
                 content-length: {}\r\n\r\n",
                self.date,
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
        }
        Ok(())
    }
}
