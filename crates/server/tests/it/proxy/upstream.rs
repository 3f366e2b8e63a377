//! A provider of a test's own: it keeps the head of each request as it came over
//! the wire, and answers with whatever bytes the test likes.

use std::sync::{Arc, Mutex};

use tokio::net::{TcpListener, TcpStream};

use super::head_of;

/// Where requests come to.
#[derive(Debug)]
pub(super) struct Upstream {
    address: std::net::SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Upstream {
    /// Answers each request by `answer`, which gets its head and the connection.
    /// What it gives back is used for a further request.
    pub(super) async fn start<F, A>(answer: F) -> Self
    where
        F: Fn(String, TcpStream) -> A + Clone + Send + 'static,
        A: Future<Output = Option<TcpStream>> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&heads);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (answer, seen) = (answer.clone(), Arc::clone(&seen));
                tokio::spawn(async move {
                    let mut next = Some(stream);
                    while let Some(mut stream) = next {
                        // Whoever keeps a connection may end it without another request.
                        if stream.readable().await.is_err() || is_over(&stream).await {
                            return;
                        }
                        let head = head_of(&mut stream).await;
                        seen.lock().unwrap().push(head.clone());
                        next = answer(head, stream).await;
                    }
                });
            }
        });
        Self { address, heads }
    }

    /// One that answers everything with those bytes and closes.
    pub(super) async fn saying(bytes: &'static str) -> Self {
        Self::start(move |_, mut stream| async move {
            use tokio::io::AsyncWriteExt as _;
            stream.write_all(bytes.as_bytes()).await.ok();
            stream.shutdown().await.ok();
            None
        })
        .await
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The heads so far.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// The last head.
    pub(super) fn head(&self) -> String {
        self.heads().pop().unwrap()
    }
}

async fn is_over(stream: &TcpStream) -> bool {
    matches!(stream.peek(&mut [0]).await, Ok(0) | Err(_))
}
