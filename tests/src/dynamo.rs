//! DynamoDB in this process: dynoxide on a loopback port.

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    types::{
        AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection, ProjectionType,
        ScalarAttributeType,
    },
};
use tokio::{net::TcpListener, sync::oneshot};

/// The region that all requests are signed for.
pub const REGION: &str = "eu-west-1";

/// The access key and the secret that all requests are signed with. Any will do.
pub const CREDENTIALS: (&str, &str) = ("test", "test");

/// A DynamoDB with one table for commits. It ends when this is dropped.
#[derive(Debug)]
pub struct Dynamo {
    /// A client of it, which tries each request once.
    pub client: Client,
    /// The name of the table.
    pub table: String,
    /// Its address, such as `http://127.0.0.1:1234`.
    pub endpoint: String,
    _stop_when_dropped: oneshot::Sender<()>,
}

/// Starts a DynamoDB that keeps everything in memory.
pub async fn start() -> Dynamo {
    let database = dynoxide::Database::memory().expect("a database in memory");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(dynoxide::server::serve_with_shutdown(listener, database, async {
        let _ = stopped.await;
    }));
    let client = client(&endpoint);
    let table = "tender".to_owned();
    create_table(&client, &table).await;
    Dynamo { client, table, endpoint, _stop_when_dropped: stop }
}

/// A client that tries each request once.
#[must_use]
pub fn client(endpoint: &str) -> Client {
    let (key, secret) = CREDENTIALS;
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::from_static(REGION))
        .credentials_provider(Credentials::new(key, secret, None, None, "tests"))
        .endpoint_url(endpoint)
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .retry_config(RetryConfig::disabled())
        .build();
    Client::from_conf(config)
}

/// Makes a table for commits, as `template.yaml` does.
async fn create_table(client: &Client, table: &str) {
    let attribute = |name, kind| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("all is set")
    };
    let key = |name, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("all is set");
    let by_list = GlobalSecondaryIndex::builder()
        .index_name(aws::LIST_INDEX)
        .key_schema(key("ls", KeyType::Hash))
        .key_schema(key("at", KeyType::Range))
        .projection(Projection::builder().projection_type(ProjectionType::All).build())
        .build()
        .expect("all is set");
    client
        .create_table()
        .table_name(table)
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(attribute("pk", ScalarAttributeType::S))
        .attribute_definitions(attribute("sk", ScalarAttributeType::N))
        .attribute_definitions(attribute("ls", ScalarAttributeType::S))
        .attribute_definitions(attribute("at", ScalarAttributeType::N))
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(by_list)
        .send()
        .await
        .expect("a table");
}
