//! Through real sockets on loopback.

mod guard;
mod objects;
mod provider;
mod stream;
mod webhook;

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::{Outbound, Settings};

/// Settings that may reach loopback, with limits that tests can meet.
fn inside() -> Settings {
    let mut settings = Settings::new("1.2.3");
    settings.allowed_networks = vec!["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
    settings.response_max_bytes = 64 * 1024;
    settings
}

fn outbound(settings: &Settings) -> Outbound {
    Outbound::new(settings).unwrap()
}

/// Serves `router` on a free port and says its origin.
async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// Accepts connections, reads a request head, writes `answer` and, if told so, hangs up.
async fn raw(answer: &'static [u8], hang_up: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open: Vec<TcpStream> = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            let _read = stream.read(&mut head).await;
            let _written = stream.write_all(answer).await;
            if hang_up {
                let _shut = stream.shutdown().await;
            } else {
                open.push(stream);
            }
        }
    });
    format!("http://{address}")
}

const SHORT: Duration = Duration::from_millis(150);
