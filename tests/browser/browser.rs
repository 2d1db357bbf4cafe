//! A browser of a test's own, and a driver that it is driven by.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use data_encoding::BASE64;
use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    key::Key,
    wd::WebDriverCompatibleCommand,
};
use hyper_util::client::legacy::connect::HttpConnector;
use nix::{sys::signal, unistd::Pid};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use tokio::time::Instant;

/// How long a condition may take to come true.
const WAIT_MAX: Duration = Duration::from_secs(15);
/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A desktop's window and a telephone's, in pixels.
pub(crate) const DESKTOP: (u32, u32) = (1200, 900);
pub(crate) const TELEPHONE: (u32, u32) = (390, 844);

/// A browser.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    /// Kept open, since the driver ends when nobody listens to it.
    _output: BufReader<ChildStdout>,
    _profile: TempDir,
}

/// A request that a page sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) url: String,
    /// All that was said of it, with its body.
    pub(crate) text: String,
}

/// A command of the driver that is no part of WebDriver.
#[derive(Debug)]
struct Vendors {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendors {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser is in the driver's group, so that it ends even if the test failed.
        let group = i32::try_from(self.driver.id()).map(Pid::from_raw);
        _ = group.map(|group| signal::killpg(group, signal::Signal::SIGKILL));
        _ = self.driver.wait();
    }
}

impl Browser {
    /// Starts one.
    pub(crate) async fn start() -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver: .ci/browser installs it");
        let mut output = BufReader::new(driver.stdout.take().unwrap());
        let mut lines = output.by_ref().lines().map_while(Result::ok);
        let said = lines.find(|line| line.contains("started successfully on port"));
        let port = said.expect("a driver that starts").trim_end_matches('.').rsplit(' ').next().unwrap().to_owned();
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--force-color-profile=srgb",
            "--lang=en-US",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "performance": "ALL", "browser": "ALL" },
        });
        let capabilities: Map<String, Value> = capabilities.as_object().unwrap().clone();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("a browser that starts");
        let browser = Self { client, driver, _output: output, _profile: profile };
        browser.resize(DESKTOP).await;
        browser
    }

    /// A window of that size, in pixels.
    pub(crate) async fn resize(&self, (width, height): (u32, u32)) {
        let is_mobile = width < 600;
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_mobile });
        self.tools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    async fn tools(&self, command: &str, parameters: Value) -> Value {
        self.vendors("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    async fn vendors(&self, path: &'static str, body: Value) -> Value {
        self.client.issue_cmd(Vendors { path, body }).await.unwrap()
    }

    /// Goes to a page.
    pub(crate) async fn go(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// What a script returns.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// Waits until an expression is true on the page. A page that is just being left answers nothing: that is not yet.
    #[track_caller]
    pub(crate) fn until(&self, expression: impl Into<String>) -> impl Future<Output = ()> {
        let (caller, expression) = (std::panic::Location::caller(), expression.into());
        let script = format!("return Boolean({expression})");
        async move {
            let deadline = Instant::now() + WAIT_MAX;
            loop {
                if self.client.execute(&script, Vec::new()).await.is_ok_and(|value| value == true) {
                    return;
                }
                if Instant::now() > deadline {
                    let page = self.client.execute("return document.body.innerText", Vec::new()).await;
                    let said = self.vendors("se/log", json!({ "type": "browser" })).await;
                    panic!("{caller}: it never was so that {expression}\n{page:?}\n{said:#}");
                }
                look_again().await;
            }
        }
    }

    /// Waits until the text of an element has a text.
    #[track_caller]
    pub(crate) fn says(&self, selector: &str, text: &str) -> impl Future<Output = ()> {
        let (selector, text) = (json!(selector), json!(text));
        self.until(format!("document.querySelector({selector})?.textContent.includes({text})"))
    }

    /// The text of an element.
    pub(crate) async fn text(&self, selector: &str) -> String {
        self.client.find(Locator::Css(selector)).await.unwrap().text().await.unwrap()
    }

    /// Clicks on an element.
    pub(crate) async fn click(&self, selector: &str) {
        self.client.find(Locator::Css(selector)).await.unwrap().click().await.unwrap();
    }

    /// Types into a field, in place of what is in it.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let field = self.client.find(Locator::Css(selector)).await.unwrap();
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn press(&self, key: char) {
        let keys = KeyActions::new("keyboard".to_owned());
        let keys = keys.then(KeyAction::Down { value: key }).then(KeyAction::Up { value: key });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Types, wherever the focus is.
    pub(crate) async fn write(&self, text: &str) {
        for character in text.chars() {
            self.press(character).await;
        }
    }

    /// Presses the tabulator until the element of that name has the focus.
    pub(crate) async fn tab_to(&self, id: &str) {
        const STOPS_MAX: usize = 20;
        for _ in 0..STOPS_MAX {
            self.press(char::from(Key::Tab)).await;
            if self.run("return document.activeElement.id").await == id {
                return;
            }
        }
        panic!("the keyboard does not get to {id}");
    }

    /// Opens another tab, and stays in this one.
    pub(crate) async fn another_tab(&self) -> fantoccini::wd::WindowHandle {
        self.client.new_window(true).await.unwrap().handle
    }

    /// Every request that was sent since this was asked last.
    pub(crate) async fn requests(&self) -> Vec<Sent> {
        let entries = self.vendors("se/log", json!({ "type": "performance" })).await;
        let messages = entries.as_array().unwrap().iter().map(|entry| {
            let message: Value = serde_json::from_str(entry["message"].as_str().unwrap()).unwrap();
            message["message"].clone()
        });
        let requests = messages.filter(|message| message["method"] == "Network.requestWillBeSent").map(|message| {
            let request = &message["params"]["request"];
            let text = |name: &str| request[name].as_str().unwrap_or_default().to_owned();
            Sent { method: text("method"), url: text("url"), text: request.to_string() }
        });
        requests.collect()
    }

    /// Errors that pages wrote to the console since this was asked last.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self.vendors("se/log", json!({ "type": "browser" })).await;
        entries.as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// Waits until a page has complained of something.
    pub(crate) async fn has_complained(&self, of: &str) {
        let deadline = Instant::now() + WAIT_MAX;
        while !self.complaints().await.iter().any(|said| said.contains(of)) {
            assert!(Instant::now() < deadline, "no page has complained of {of}");
            look_again().await;
        }
    }

    /// Keeps a picture of the page, on a desktop and on a telephone, in `target/browser`.
    pub(crate) async fn picture(&self, name: &str) {
        let folder = tests::repository().join("target/browser");
        fs::create_dir_all(&folder).unwrap();
        for (device, size) in [("telephone", TELEPHONE), ("desktop", DESKTOP)] {
            self.resize(size).await;
            let shot = json!({ "format": "png", "captureBeyondViewport": device == "telephone" });
            let taken = self.tools("Page.captureScreenshot", shot).await;
            let png = BASE64.decode(taken["data"].as_str().unwrap().as_bytes()).unwrap();
            fs::write(folder.join(format!("{name}-{device}.png")), png).unwrap();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "WebDriver tells nothing by itself: a condition is looked at until it is so"
)]
async fn look_again() {
    tokio::time::sleep(LOOK_EVERY).await;
}
