//! A browser as far as a measurement needs one: it keeps its connection and its
//! cookies, tells how long the first byte of an answer took, and which files a page
//! refers to. It runs nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;

/// What today's browsers say that they take.
const ENCODINGS: &str = "gzip, deflate, br, zstd";
/// How much is read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Somebody's browser.
#[derive(Debug)]
pub struct Browser {
    address: SocketAddr,
    stream: TcpStream,
    cookies: BTreeMap<String, String>,
    chunk: Vec<u8>,
}

/// A whole answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as it was sent, chunks put together.
    pub body: Vec<u8>,
    /// From asking until the first byte of the answer came.
    pub first_byte: Duration,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// A header by its name in small letters; empty where there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let mut all = self.headers.iter();
        all.find(|(found, _)| found == name)
            .map_or("", |(_, value)| value)
    }

    /// How the body is encoded; empty where it is sent as it is.
    #[must_use]
    pub fn encoding(&self) -> &str {
        self.header("content-encoding")
    }

    /// The body, where it is not encoded.
    ///
    /// # Errors
    /// When it is encoded, or no text.
    pub fn text(&self) -> Result<&str> {
        anyhow::ensure!(self.encoding().is_empty(), "the body is encoded");
        Ok(std::str::from_utf8(&self.body)?)
    }
}

impl Browser {
    /// One that has been nowhere yet.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            address,
            stream,
            cookies: BTreeMap::new(),
            chunk: vec![0; CHUNK_BYTES],
        })
    }

    /// The value of a cookie.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(String::as_str)
    }

    /// Asks as browsers do.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        let accepts = format!("accept-encoding: {ENCODINGS}\r\n");
        self.ask("GET", path, &accepts, "").await
    }

    /// Asks for a body that is not encoded.
    ///
    /// # Errors
    /// As [`Browser::get`].
    pub async fn get_plain(&mut self, path: &str) -> Result<Answer> {
        self.get_with(path, "").await
    }

    /// Asks for a body that is not encoded, with further header lines.
    ///
    /// # Errors
    /// As [`Browser::get`].
    pub async fn get_with(&mut self, path: &str, more: &str) -> Result<Answer> {
        self.ask("GET", path, more, "").await
    }

    /// Sends a body of a type, with further header lines.
    ///
    /// # Errors
    /// As [`Browser::get`].
    pub async fn post(&mut self, path: &str, kind: &str, more: &str, body: &str) -> Result<Answer> {
        let headers = format!("content-type: {kind}\r\n{more}");
        self.ask("POST", path, &headers, body).await
    }

    async fn ask(&mut self, method: &str, path: &str, more: &str, body: &str) -> Result<Answer> {
        let cookies: Vec<_> = self.cookies.iter().collect();
        let cookies: Vec<_> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let cookies = match cookies.as_slice() {
            [] => String::new(),
            some => format!("cookie: {}\r\n", some.join("; ")),
        };
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\naccept: text/html,*/*\r\n{cookies}{more}content-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let asked = Instant::now();
        self.stream.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        self.fill(&mut answer).await?;
        let first_byte = asked.elapsed();
        let head_ends = loop {
            let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
            match end {
                Some(end) => break end,
                None => self.fill(&mut answer).await?,
            }
        };
        let mut body = answer.split_off(head_ends + 4);
        let head = std::str::from_utf8(&answer)?;
        let (status, headers) = parsed(head).with_context(|| format!("an odd head: {head}"))?;
        let mut answer = Answer {
            status,
            body: Vec::new(),
            first_byte,
            headers,
        };
        if answer.header("transfer-encoding") == "chunked" {
            while !body.ends_with(b"\r\n0\r\n\r\n") && body != b"0\r\n\r\n" {
                self.fill(&mut body).await?;
            }
            body = dechunked(&body).context("odd chunks")?;
        } else {
            let length: usize = answer.header("content-length").parse().unwrap_or(0);
            while body.len() < length {
                self.fill(&mut body).await?;
            }
        }
        answer.body = body;
        self.keep_cookies(&answer);
        Ok(answer)
    }

    async fn fill(&mut self, to: &mut Vec<u8>) -> Result<()> {
        let read = self.stream.read(&mut self.chunk).await?;
        anyhow::ensure!(read > 0, "an answer was cut off");
        to.extend_from_slice(self.chunk.get(..read).unwrap_or_default());
        Ok(())
    }

    fn keep_cookies(&mut self, answer: &Answer) {
        for (name, set) in &answer.headers {
            let pair = set.split(';').next().and_then(|pair| pair.split_once('='));
            let (true, Some((key, value))) = (name == "set-cookie", pair) else {
                continue;
            };
            if set.contains("Max-Age=0") {
                self.cookies.remove(key);
            } else {
                self.cookies.insert(key.to_owned(), value.to_owned());
            }
        }
    }
}

/// The status and the headers of a head, names in small letters.
fn parsed(head: &str) -> Option<(u16, Vec<(String, String)>)> {
    let mut lines = head.trim_end().split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    Some((status, headers.collect::<Option<_>>()?))
}

/// A body whose chunks have all come.
fn dechunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n")?;
        let length = std::str::from_utf8(rest.get(..line)?).ok()?;
        let length = usize::from_str_radix(length.split(';').next()?.trim(), 16).ok()?;
        if length == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(line + 2..line + 2 + length)?);
        rest = rest.get(line + 4 + length..)?;
    }
}

/// The files that a browser fetches with a page: styles, scripts and pictures of the
/// same server.
#[must_use]
pub fn files(html: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for tag in html.split('<').skip(1) {
        let tag = tag.split('>').next().unwrap_or_default();
        let name = tag.split_whitespace().next().unwrap_or_default();
        let wanted = match name {
            "link" if tag.contains("rel=\"stylesheet\"") || tag.contains("rel=\"icon\"") => "href",
            "script" | "img" => "src",
            _ => continue,
        };
        let file = attribute(tag, wanted).filter(|file| file.starts_with('/'));
        found.extend(file.map(str::to_owned));
    }
    found
}

/// Where the links of a page lead on the same server, without their anchors.
#[must_use]
pub fn links(html: &str) -> Vec<String> {
    let anchors = html.split("<a ").skip(1);
    let targets = anchors.filter_map(|rest| attribute(rest.split('>').next()?, "href"));
    let paths = targets.filter(|target| target.starts_with('/'));
    // An `&` may be written with a `#` in it.
    let paths = paths.map(|path| path.replace("&amp;", "&").replace("&#38;", "&"));
    paths
        .map(|path| path.split('#').next().unwrap_or_default().to_owned())
        .collect()
}

/// The value of the first attribute of that name.
#[must_use]
pub fn attribute<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = html.split_once(&format!("{name}=\""))?;
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_tells_its_files_and_its_links() {
        let html = "<link rel=\"stylesheet\" href=\"/s.css\"><link rel=\"alternate\" href=\"/p.md\">\
             <script src=\"/s.js\" defer></script><img src=\"/i.svg\" alt=\"\"><img src=\"/i.svg\">\
             <script src=\"https://elsewhere.example/x.js\"></script>\
             <a class=\"x\" href=\"/projects?a=1&#38;b=2#c\">p</a><a href=\"#here\">h</a>";
        let found: Vec<String> = files(html).into_iter().collect();
        assert_eq!(found, ["/i.svg", "/s.css", "/s.js"]);
        assert_eq!(links(html), ["/projects?a=1&b=2"]);
    }

    #[test]
    fn chunks_are_put_together() {
        let chunks = b"4\r\nWiki\r\nA;x=1\r\npedia in\r\n\r\n0\r\n\r\n";
        assert_eq!(dechunked(chunks).unwrap(), b"Wikipedia in\r\n");
        assert_eq!(dechunked(b"0\r\n\r\n").unwrap(), b"");
        assert!(dechunked(b"4\r\nWi").is_none());
    }

    #[test]
    fn a_head_is_read_whatever_its_letters() {
        let (status, headers) = parsed("HTTP/1.1 404 Not Found\r\nETag: \"x\"\r\n").unwrap();
        assert_eq!(status, 404);
        assert_eq!(headers, [("etag".to_owned(), "\"x\"".to_owned())]);
        assert!(parsed("nonsense").is_none());
    }
}
