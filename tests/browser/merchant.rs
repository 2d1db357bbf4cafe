//! A merchant's own pages, somewhere else than the engine's.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A page that embeds a payment page, and keeps what it is told.
const CHECKOUT: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Checkout</title>
<style>body { max-width: 60rem; margin: 1rem auto; padding: 0 1rem; font-family: sans-serif }</style>
<h1>Checkout</h1><div id="payment"></div>
<script src="{script}"></script>
<script>
window.heard = [];
window.view = payex.hostedView.checkout({
    container: { checkout: 'payment' },
    culture: 'sv-SE',
    onPaid: (told) => window.heard.push(told),
}).open();
</script></html>"#;

/// A page that embeds an authentication page, and keeps what it is told, and by whom.
const EMBEDDING: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Checkout</title>
<style>body { max-width: 40rem; margin: 1rem auto; padding: 0 1rem; font-family: sans-serif } iframe { width: 100%; height: 50rem; border: 0 }</style>
<h1>Checkout</h1>
<script>
window.heard = [];
window.addEventListener('message', ({ origin, data }) => window.heard.push({ origin, data }));
</script>
<iframe src="{script}" title="Authentication"></iframe></html>"#;

/// A page that opens an authentication page in a window of its own, and keeps what it is told.
const OPENING: &str = r#"<!doctype html><html lang="en"><meta charset="utf-8"><title>Checkout</title>
<button id="open">Authenticate</button>
<script>
window.heard = [];
window.addEventListener('message', ({ origin, data }) => window.heard.push({ origin, data }));
document.querySelector('#open').addEventListener('click', () => window.open('{script}'));
</script></html>"#;

/// A merchant's server.
pub(crate) struct Merchant {
    address: String,
    script: Arc<Mutex<String>>,
}

impl Merchant {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Mutex::new(String::new()));
        let included = Arc::clone(&script);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer(connection, Arc::clone(&included)));
            }
        });
        Self { address, script }
    }

    /// One of its URLs.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Its checkout includes this script, or its other pages show this page.
    pub(crate) fn includes(&self, script: &str) {
        script.clone_into(&mut self.script.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// Answers one request, and closes.
async fn answer(mut connection: TcpStream, included: Arc<Mutex<String>>) -> std::io::Result<()> {
    const REQUEST_BYTES_MAX: usize = 16 * 1_024;
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < REQUEST_BYTES_MAX {
        if connection.read_buf(&mut request).await? == 0 {
            return Ok(());
        }
    }
    let pages = [("/checkout", CHECKOUT), ("/embedding", EMBEDDING), ("/opening", OPENING)];
    let asked = pages.iter().find(|(path, _)| request.starts_with(format!("GET {path}").as_bytes()));
    let page = asked.map_or("<!doctype html><title>Shop</title><p>The shop", |(_, page)| *page);
    // Browsers connect before they ask: what is included is what is now.
    let page = page.replace("{script}", &included.lock().unwrap_or_else(PoisonError::into_inner));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        page.len()
    );
    connection.write_all(head.as_bytes()).await?;
    connection.write_all(page.as_bytes()).await?;
    connection.shutdown().await
}
