//! A way to the database that can be cut, as by a switch that fails: connections
//! stay open, and nothing comes through.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixStream};
use tokio::sync::watch;

/// The way.
pub(crate) struct Proxy {
    /// The database's URL on this way.
    pub(crate) url: String,
    open: Arc<watch::Sender<bool>>,
}

impl Proxy {
    /// A way to the database at `url`, which names a Unix socket's directory.
    pub(crate) async fn start(url: &str) -> Self {
        Self::breaking(url, 0).await
    }

    /// As [`Proxy::start`]; the first `broken` connections end as soon as something
    /// is said on them.
    pub(crate) async fn breaking(url: &str, mut broken: u32) -> Self {
        let (base, rest) = url.split_once("?host=").unwrap();
        let (directory, options) = rest.split_once('&').unwrap();
        let socket = format!("{directory}/.s.PGSQL.5432");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let open = Arc::new(watch::Sender::new(true));
        let gate = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                if broken > 0 {
                    broken -= 1;
                    near.read_u8().await.ok();
                    continue;
                }
                let (socket, gate) = (socket.clone(), Arc::clone(&gate));
                tokio::spawn(async move {
                    let far = UnixStream::connect(socket).await.unwrap();
                    let (near_in, near_out) = near.into_split();
                    let (far_in, far_out) = far.into_split();
                    tokio::join!(
                        carry(near_in, far_out, gate.subscribe()),
                        carry(far_in, near_out, gate.subscribe()),
                    );
                });
            }
        });
        Self {
            url: format!("{}?{options}", base.replace("localhost", &address)),
            open,
        }
    }

    /// From now on nothing comes through.
    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }

    /// What was sent meanwhile arrives.
    pub(crate) fn mend(&self) {
        self.open.send_replace(true);
    }
}

async fn carry(
    mut from: impl tokio::io::AsyncRead + Unpin,
    mut to: impl tokio::io::AsyncWrite + Unpin,
    mut open: watch::Receiver<bool>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count) = from.read(&mut buffer).await {
        open.wait_for(|open| *open).await.ok();
        if count == 0 || to.write_all(&buffer[..count]).await.is_err() {
            break;
        }
    }
    to.shutdown().await.ok();
}
