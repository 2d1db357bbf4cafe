//! A server of one's own: what it was asked, and any bytes for an answer.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

pub(crate) struct Server {
    pub(crate) listener: TcpListener,
    pub(crate) port: u16,
}

/// A request as it came in.
pub(crate) struct Asked {
    /// The first line and the headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { listener, port }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks?shop=1", self.port)
    }

    /// The next connection, and what is asked on it.
    pub(crate) async fn asked(&self) -> (TcpStream, Asked) {
        let (mut stream, _) = self.listener.accept().await.unwrap();
        let mut read = Vec::new();
        loop {
            assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "a whole request comes");
            let text = String::from_utf8_lossy(&read).into_owned();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let asked = Asked { head: head.to_owned(), body: body.as_bytes().to_vec() };
            if asked.header("content-length").unwrap().parse::<usize>().unwrap() == asked.body.len() {
                return (stream, asked);
            }
        }
    }

    /// Answers the next request with these bytes and closes the connection.
    pub(crate) async fn answer(&self, answer: &str) -> Asked {
        let (mut stream, asked) = self.asked().await;
        stream.write_all(answer.as_bytes()).await.unwrap();
        asked
    }
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).into_iter().next()
    }

    /// The values of all lines of that name.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}
