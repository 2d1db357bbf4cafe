//! `template.yaml`, written from the catalogue: what all functions share stands in `base.yaml`, and what each of them
//! may do in `permissions.toml`.
//!
//! *Architecture invariant*: nothing about an endpoint is written here by hand. Its route is the catalogue's, and its
//! role is made of its line of permissions, and shared with the endpoints whose line says the same.

mod roles;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs, io,
    path::Path,
};

use api::{CHECKOUT_VERSIONS, Family, Route};
use functions::CATALOGUE;

use roles::{Fed, role};

const BASE: &str = include_str!("../base.yaml");
const DASHBOARD: &str = include_str!("../dashboard.json");
const PERMISSIONS: &str = include_str!("../permissions.toml");

/// The command that writes what this crate generates.
pub const COMMAND: &str = "cargo run -p xtask -- generate";

/// Resources that CloudFormation takes in one stack.
pub const RESOURCES_MAX: usize = 500;

/// The functions behind a stream, a queue or a schedule: what feeds them. The functions themselves stand in `base.yaml`.
const BACKGROUND: &[(&str, Fed)] = &[
    ("relay", Fed::Stream),
    ("work", Fed::Queue("WorkQueue")),
    ("deliver-webhook", Fed::Queue("WebhookQueue")),
    ("expire-order", Fed::Schedule),
];

/// What SAM makes beside each function: a version, an alias, and the group it is deployed in.
const RESOURCES_BESIDE_FUNCTION: usize = 3;

/// What SAM makes beside all that stands in the template, once: the API's stage, three event sources, the
/// configuration of calls by schedule, and CodeDeploy's application.
const RESOURCES_OF_SAM: usize = 6;

/// Around what is written into `Cargo.toml`.
const ROUTES_MARKS: (&str, &str) =
    ("# Routes of `cargo lambda watch`, written by `cargo run -p xtask -- generate`.\n", "# End of the routes.\n");

/// Why there is no template.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `permissions.toml` is not what it should be.
    #[error("infra/sam/permissions.toml cannot be read: {0}")]
    Permissions(#[from] toml::de::Error),
    /// A function has no line there.
    #[error("infra/sam/permissions.toml has no line for the function {0}: say which actions its binary calls")]
    Missing(String),
    /// A line there is of no function.
    #[error("infra/sam/permissions.toml has a line for {0}, which is no function")]
    Unknown(String),
    /// An action that no statement is known for.
    #[error("{function} may do {permission:?}, which infra/sam/src/roles.rs has no resource for")]
    NoResource {
        /// The function.
        function: String,
        /// What stands in its line.
        permission: String,
    },
    /// A place to fill is not there.
    #[error("the place {0:?} is not where it should be")]
    NoPlace(&'static str),
    /// A file cannot be read or written.
    #[error("a file cannot be read or written: {0}")]
    Io(#[from] io::Error),
}

/// What each function's binary calls, as it stands in `permissions.toml`.
///
/// # Errors
/// [`Error::Permissions`].
pub fn permissions() -> Result<BTreeMap<String, BTreeSet<String>>, Error> {
    Ok(toml::from_str(PERMISSIONS)?)
}

/// The whole of `template.yaml`.
///
/// # Errors
/// [`Error`], all but [`Error::Io`].
pub fn template() -> Result<String, Error> {
    let permissions = permissions()?;
    let known = CATALOGUE.iter().map(|mounted| mounted.route.name).chain(BACKGROUND.iter().map(|(name, _)| *name));
    let known = known.collect::<BTreeSet<_>>();
    if let Some(unknown) = permissions.keys().find(|name| !known.contains(name.as_str())) {
        return Err(Error::Unknown(unknown.clone()));
    }
    let role_of = |name: &str, fed| {
        let allowed = permissions.get(name).ok_or_else(|| Error::Missing(name.to_owned()))?;
        role(name, allowed, fed)
    };

    let head = format!(
        "# Written by `{COMMAND}` from infra/sam and the catalogue in functions/src/lib.rs. Change it there.\n"
    );
    let mut text = head + BASE;
    text = put(text, "          # <paths>\n", &paths())?;
    text = put(text, "  # <api roles>\n", &api_roles())?;
    let (mut endpoints, mut roles) = (String::new(), BTreeMap::new());
    for mounted in CATALOGUE {
        let role = role_of(mounted.route.name, Fed::Api)?;
        endpoints += &endpoint(&mounted.route, &role.id);
        roles.insert(role.id, role.text);
    }
    text = put(text, "  # <endpoint roles>\n", &roles.into_values().collect::<String>())?;
    text = put(text, "  # <endpoints>\n", &endpoints)?;
    for (name, fed) in BACKGROUND {
        let place = match *name {
            "relay" => "  # <relay>\n",
            "work" => "  # <work>\n",
            "deliver-webhook" => "  # <deliver-webhook>\n",
            _ => "  # <expire-order>\n",
        };
        text = put(text, place, &role_of(name, *fed)?.text)?;
    }
    text = put(text, "  # <queue alarms>\n", &queue_alarms())?;
    let dashboard = DASHBOARD.lines().fold(String::new(), |all, line| all + "        " + line + "\n");
    put(text, "        # <dashboard>\n", &dashboard)
}

/// The routes of `cargo lambda watch`, as they stand in `Cargo.toml`, between two lines that say so.
///
/// Methods are in upper case: cargo-lambda compares them with those of requests as they are.
#[must_use]
pub fn watch_routes() -> String {
    let (start, end) = ROUTES_MARKS;
    let mut text = format!("{start}[workspace.metadata.lambda.watch.router]\n");
    for (path, routes) in by_path() {
        let entries =
            routes.iter().map(|route| format!("{{ function = \"{}\", method = \"{}\" }}", route.name, route.method));
        _ = writeln!(text, "\"{path}\" = [{}]", entries.collect::<Vec<_>>().join(", "));
    }
    text + end
}

/// `Cargo.toml` with the routes of now.
///
/// # Errors
/// [`Error::NoPlace`].
pub fn with_watch_routes(manifest: &str) -> Result<String, Error> {
    let (start, end) = ROUTES_MARKS;
    let (before, rest) = manifest.split_once(start).ok_or(Error::NoPlace(start))?;
    let (_, after) = rest.split_once(end).ok_or(Error::NoPlace(end))?;
    Ok(format!("{before}{}{after}", watch_routes()))
}

/// Writes both into a clone of the repository.
///
/// # Errors
/// [`Error`].
pub fn write(repository: &Path) -> Result<(), Error> {
    fs::write(repository.join("template.yaml"), template()?)?;
    let manifest = repository.join("Cargo.toml");
    fs::write(&manifest, with_watch_routes(&fs::read_to_string(&manifest)?)?)?;
    Ok(())
}

/// How many resources CloudFormation counts in the stack.
///
/// # Errors
/// As [`template`].
pub fn resources() -> Result<usize, Error> {
    let template = template()?;
    let written = template.lines().skip_while(|line| *line != "Resources:").take_while(|line| *line != "Outputs:");
    let is_resource = |line: &&str| {
        let name = line.strip_prefix("  ").and_then(|line| line.strip_suffix(':'));
        name.is_some_and(|name| name.chars().all(char::is_alphanumeric))
    };
    let functions = CATALOGUE.len().saturating_add(BACKGROUND.len());
    let beside = functions.saturating_mul(RESOURCES_BESIDE_FUNCTION);
    Ok(written.filter(is_resource).count().saturating_add(beside).saturating_add(RESOURCES_OF_SAM))
}

fn put(text: String, place: &'static str, content: &str) -> Result<String, Error> {
    let (before, after) = text.split_once(place).ok_or(Error::NoPlace(place))?;
    Ok(format!("{before}{content}{after}"))
}

/// A function's name as CloudFormation knows it: letters and digits.
fn logical(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at_checked(1).unwrap_or_default();
        first.to_uppercase() + rest
    };
    name.split('-').map(word).collect()
}

/// The ARN of a function's alias, without asking CloudFormation for it.
fn alias_arn(name: &str) -> String {
    format!(
        "arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{AWS::StackName}}-{name}:live"
    )
}

fn by_path() -> BTreeMap<&'static str, Vec<&'static Route>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for mounted in CATALOGUE {
        for path in mounted.route.paths {
            all.entry(*path).or_default().push(&mounted.route);
        }
    }
    all
}

fn families() -> BTreeMap<String, Vec<&'static str>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for mounted in CATALOGUE {
        all.entry(format!("{:?}", mounted.route.family)).or_default().push(mounted.route.name);
    }
    all
}

/// The paths of the API for a path of the catalogue.
///
/// A request for `/v2/payments/{id}/captures` fits `/{version}/payments/{pspReference}/captures` as well, and AWS documents
/// no order among routes with variables. So a path that begins with a version is there once for each version.
#[must_use]
pub fn api_paths(path: &str) -> Vec<String> {
    match path.strip_prefix("/{version}/") {
        Some(rest) => CHECKOUT_VERSIONS.map(|version| format!("/v{version}/{rest}")).collect(),
        None => vec![path.to_owned()],
    }
}

/// What the API calls for each path and method, and as whom.
fn paths() -> String {
    let mut text = String::new();
    let all = by_path()
        .into_iter()
        .flat_map(|(path, routes)| api_paths(path).into_iter().map(move |path| (path, routes.clone())));
    for (path, routes) in all.collect::<BTreeMap<_, _>>() {
        _ = writeln!(text, "          {path}:");
        for route in routes {
            let parameters = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
            let parameters = parameters.map(|name| {
                format!("                - {{ name: {name}, in: path, required: true, schema: {{ type: string }} }}\n")
            });
            let parameters = parameters.collect::<String>();
            let parameters =
                if parameters.is_empty() { parameters } else { format!("              parameters:\n{parameters}") };
            _ = write!(
                text,
                "            {method}:
{parameters}              responses: {{ default: {{ description: An answer of {name} }} }}
              x-amazon-apigateway-integration:
                type: aws_proxy
                httpMethod: POST
                payloadFormatVersion: \"2.0\"
                timeoutInMillis: 30000
                credentials: !GetAtt {family:?}ApiRole.Arn
                uri: !Sub arn:${{AWS::Partition}}:apigateway:${{AWS::Region}}:lambda:path/2015-03-31/functions/{arn}/invocations
",
                method = route.method.to_lowercase(),
                name = route.name,
                family = route.family,
                arn = alias_arn(route.name),
            );
        }
    }
    text
}

/// Whom the API calls functions as: one role for each family, since what a role may do has to fit into 10,240
/// characters.
fn api_roles() -> String {
    let mut text = String::new();
    for (family, names) in families() {
        _ = write!(
            text,
            "  {family}ApiRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: \"2012-10-17\"
        Statement: [{{ Effect: Allow, Principal: {{ Service: apigateway.amazonaws.com }}, Action: sts:AssumeRole }}]
      Policies:
        - PolicyName: endpoints
          PolicyDocument:
            Version: \"2012-10-17\"
            Statement:
              - Effect: Allow
                Action: lambda:InvokeFunction
                Resource:
"
        );
        for name in names {
            _ = writeln!(text, "                  - !Sub {}", alias_arn(name));
        }
    }
    text
}

fn endpoint(route: &Route, role: &str) -> String {
    let (name, id) = (route.name, logical(route.name));
    let operator_key = match route.family {
        Family::Admin => "          TENDER_OPERATOR_KEY_ARN: !GetAtt OperatorKey.Id\n",
        Family::Checkout
        | Family::Payments
        | Family::Shopping
        | Family::PaymentOrders
        | Family::OrderProcessing
        | Family::OAuth
        | Family::Sandbox => "",
    };
    format!(
        "  {id}:
    Type: AWS::Serverless::Function
    Metadata: {{ BuildMethod: rust-cargolambda, BuildProperties: {{ Binary: {name} }} }}
    Properties:
      AutoPublishAliasAllProperties: true
      FunctionName: !Sub ${{AWS::StackName}}-{name}
      Role: !GetAtt {role}.Arn
      Environment:
        Variables:
          TENDER_PUBLIC_URL: !Ref PublicUrl
{operator_key}"
    )
}

/// Alarms of queues: the alarm, what it says, the queue, its figure, and how much of it is too much.
const QUEUE_ALARMS: &[(&str, &str, &str, &str, &str)] = &[
    ("WorkDeadLetters", "Work of orders failed too often.", "WorkDeadLetters", VISIBLE, "0"),
    ("WebhookDeadLetters", "Jobs of webhooks failed too often.", "WebhookDeadLetters", VISIBLE, "0"),
    ("RelayFailures", "The relay set commits aside. What follows them was not done.", "RelayFailures", VISIBLE, "0"),
    ("ExpireFailures", "Expiries of orders failed.", "ExpireFailures", VISIBLE, "0"),
    ("WorkAge", "Work of orders waits for too long.", "WorkQueue", AGE, "!Ref QueueAgeMax"),
    ("WebhookAge", "Webhooks wait for too long.", "WebhookQueue", AGE, "!Ref QueueAgeMax"),
    ("WebhookBacklog", "Too many webhooks wait.", "WebhookQueue", VISIBLE, "!Ref WebhookBacklogMax"),
];

const VISIBLE: &str = "ApproximateNumberOfMessagesVisible";
const AGE: &str = "ApproximateAgeOfOldestMessage";

fn queue_alarms() -> String {
    let alarm = |(id, text, queue, figure, threshold): &(&str, &str, &str, &str, &str)| {
        // What was set aside stays there until somebody looks; a queue may be full for a moment.
        let minutes = if *threshold == "0" { 1 } else { 5 };
        format!(
            "  {id}Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmDescription: {text}
      Namespace: AWS/SQS
      MetricName: {figure}
      Dimensions: [{{ Name: QueueName, Value: !GetAtt {queue}.QueueName }}]
      Statistic: Maximum
      Period: 60
      EvaluationPeriods: {minutes}
      ComparisonOperator: GreaterThanThreshold
      Threshold: {threshold}
      TreatMissingData: notBreaching
      AlarmActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]
      OKActions: !If [HasAlarmTopic, [!Ref AlarmTopicArn], !Ref AWS::NoValue]
"
        )
    };
    QUEUE_ALARMS.iter().map(alarm).collect()
}
