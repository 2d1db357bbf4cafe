//! The log of a Lambda: a JSON object a line, in which whatever is known of the request stands beside what happened.
//!
//! Every line of a request has `requestId` and, if it is traced, `xrayTraceId` (from the runtime), `endpoint`, and
//! from the moment they are known `merchant` and `order`: the reference of the order. One that is about a message of
//! a queue has `messageId` instead of `endpoint`. No line has a card's number, a key or a body.

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{Layer as _, Registry, fmt::MakeWriter, layer::SubscriberExt as _};

/// What is logged at most: at TRACE the runtime logs whole events, whatever the environment says.
pub const LEVEL_MAX: LevelFilter = LevelFilter::INFO;

/// Logs to `writer`.
pub fn subscriber<W>(writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let mut layer = json_subscriber::JsonLayer::new(writer);
    layer.with_timer("timestamp", tracing_subscriber::fmt::time::SystemTime);
    layer.with_level("level");
    layer.with_target("target");
    layer.with_flattened_event();
    layer.with_top_level_flattened_span_list();
    Registry::default().with(layer.with_filter(LEVEL_MAX))
}
