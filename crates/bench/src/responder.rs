//! A provider that answers anything by its path, with as little work as can be:
//! `/bytes/N` with N bytes, `/held/N` with the beginning of N bytes and no more. It
//! takes whatever it is sent.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};

use crate::wire::Requests;

/// How much is written at once.
const PIECE: usize = 64 * 1024;
/// What comes of an answer that is held back.
const BEGINNING: usize = 16 * 1024;

/// The responder; it lives as long as the program.
#[derive(Debug)]
pub struct Responder {
    /// Its origin.
    pub url: String,
}

impl Responder {
    /// Starts on a port of its own.
    ///
    /// # Errors
    /// When there is no port.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let piece: Arc<[u8]> = vec![b'x'; PIECE].into();
        let whole = Bytes::from(vec![b'x'; 1024 * 1024]);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (piece, whole) = (Arc::clone(&piece), whole.clone());
                tokio::spawn(async move { serve(stream, &piece, &whole).await });
            }
        });
        Ok(Self { url })
    }
}

async fn serve(mut stream: TcpStream, piece: &[u8], whole: &[u8]) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut requests = Requests::new();
    while let Some(request) = requests.next(&mut stream, 0).await? {
        let mut path = request.target.split('/').skip(1);
        let kind = path.next().unwrap_or_default();
        let bytes: usize = path.next().context("no length")?.parse()?;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {bytes}\r\n\r\n"
        );
        if kind == "held" {
            stream.write_all(head.as_bytes()).await?;
            stream
                .write_all(piece.get(..BEGINNING).unwrap_or(piece))
                .await?;
            // Until whoever asked goes away.
            requests.next(&mut stream, 0).await?;
            return Ok(());
        }
        if bytes <= whole.len() {
            let mut answer = head.into_bytes();
            answer.extend_from_slice(whole.get(..bytes).unwrap_or_default());
            stream.write_all(&answer).await?;
            continue;
        }
        stream.write_all(head.as_bytes()).await?;
        let mut left = bytes;
        while left > 0 {
            let here = piece.get(..left.min(piece.len())).unwrap_or(piece);
            stream.write_all(here).await?;
            left -= here.len();
        }
    }
    Ok(())
}
