//! `GET /psp/checkout/{token}`: the page.

use api::{Access, Call, Code, Endpoint, Engine, Family, NoBody, Problem, Reply, Route};
use askama::Template;
use http::StatusCode;

use super::{problem, subject, view::Told};
use crate::origin::origin;

/// The page's shell: its script draws the rest.
#[derive(Template)]
#[template(path = "checkout.html")]
struct Page<'a> {
    token: &'a str,
    payee: &'a str,
    /// Whether there is an order to be paid.
    is_known: bool,
}

/// The payment page of an order, for a shopper's browser: a shell, whose script shows the order.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ShowCheckoutPage;

impl Endpoint for ShowCheckoutPage {
    const ROUTE: Route = Route {
        name: "show-checkout-page",
        method: "GET",
        paths: &["/psp/checkout/{token}"],
        family: Family::PaymentOrders,
        access: Access::Public,
    };
    type Body = NoBody;

    async fn handle(engine: &Engine, call: Call<NoBody>) -> Result<Reply, Problem> {
        let known = match subject(engine, &call) {
            Ok(key) => engine.app.find(&key).await.map(|order| (key, order)).map_err(problem),
            Err(unknown) => Err(unknown),
        };
        let (key, order) = match known {
            Ok(known) => known,
            // A shopper reads no JSON.
            Err(problem) if problem.code == Code::NotFound => {
                let page = Page { token: "", payee: "", is_known: false };
                return shown(&page, StatusCode::NOT_FOUND, Vec::new());
            }
            Err(problem) => return Err(problem),
        };
        let told = Told::of(engine, &key, &order).await?;
        let page = Page { token: call.path("token"), payee: told.payee(&key), is_known: true };
        let hosts = told.hosts.iter().filter_map(|host| origin(host)).collect();
        shown(&page, StatusCode::OK, hosts)
    }
}

fn shown(page: &Page<'_>, status: StatusCode, hosts: Vec<String>) -> Result<Reply, Problem> {
    page.render().map(|html| Reply::Page { status, html, hosts }).map_err(|error| {
        tracing::error!(%error, "the payment page could not be rendered");
        Problem::new(Code::Internal, "Something went wrong here. It was logged.")
    })
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for ShowCheckoutPage {
    fn describe() -> api::openapi::Description {
        let text = "What the shopper came back with. The page's script reads it.";
        api::openapi::Description::new()
            .path("token", "The page's token.")
            .query("redirectResult", text, schemars::json_schema!({ "type": "string" }))
            .page("The page.")
            .page_with(StatusCode::NOT_FOUND, "A page that says that there is no such order.")
    }
}
