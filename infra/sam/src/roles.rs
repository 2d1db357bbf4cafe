//! Roles: what a function's binary calls, what Lambda does on its behalf, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use crate::{Error, logical};

/// What calls a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fed {
    /// The API.
    Api,
    /// The table's stream.
    Stream,
    /// The queue of that name.
    Queue(&'static str),
    /// Schedules, which do not wait for its answer.
    Schedule,
}

const SCHEDULES: &str =
    "!Sub arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/${ScheduleGroup}/*";

/// Reads what keys are derived from.
const SECRETS: &str = "secretsmanager:GetSecretValue";

/// The permissions: how each stands in `permissions.toml`, its word in the name of a role, and what it is allowed on.
///
/// Words stand in a name in the order of this list. If a word or the order changes, a deployment replaces the roles that
/// are called by it.
const PERMISSIONS: &[(&str, &str, &str)] = &[
    ("dynamodb:Query", "Read", "!GetAtt Table.Arn"),
    ("dynamodb:Query by-list", "Lists", "!Sub \"${Table.Arn}/index/by-list\""),
    ("dynamodb:PutItem", "Write", "!GetAtt Table.Arn"),
    ("events:PutEvents", "Publish", "!GetAtt Bus.Arn"),
    ("scheduler:CreateSchedule", "Schedule", SCHEDULES),
    ("scheduler:UpdateSchedule", "Reschedule", SCHEDULES),
    ("scheduler:DeleteSchedule", "Unschedule", SCHEDULES),
    ("sqs:SendMessage work", "QueueWork", "!GetAtt WorkQueue.Arn"),
    ("sqs:SendMessage webhooks", "QueueWebhooks", "!GetAtt WebhookQueue.Arn"),
    // Every function so far may read it, so a name says where it may not.
    (SECRETS, "", "!GetAtt Secrets.Id"),
    ("secretsmanager:GetSecretValue operator-key", "WithOperatorKey", "!GetAtt OperatorKey.Id"),
];

/// Whoever makes a schedule says whom it acts as.
const HANDS_OVER_A_ROLE: &[&str] = &["scheduler:CreateSchedule", "scheduler:UpdateSchedule"];

/// A role.
pub(crate) struct Role {
    /// Its name in the template, by which functions refer to it.
    pub(crate) id: String,
    /// All that stands of it there.
    pub(crate) text: String,
}

/// The name of a role in the template.
///
/// An endpoint's follows from what it may do and from nothing else. So endpoints that may do the same have one role, and
/// no function that comes or goes changes its name. Two sets of permissions never have one name, since of each permission
/// it tells whether it is among them. A background function's role is its own: no other function is to take from what
/// feeds it, or to put what failed where its failures go.
fn id(name: &str, allowed: &BTreeSet<String>, fed: Fed) -> String {
    if fed != Fed::Api {
        return format!("{}Role", logical(name));
    }
    let words = PERMISSIONS.iter().filter(|(permission, ..)| allowed.contains(*permission)).map(|(_, word, _)| *word);
    let without = if allowed.contains(SECRETS) { "" } else { "WithoutSecrets" };
    format!("Endpoint{}{without}Role", words.collect::<String>())
}

/// The role of a function. Of two functions that may do the same, and that the API calls, it is the same.
pub(crate) fn role(name: &str, allowed: &BTreeSet<String>, fed: Fed) -> Result<Role, Error> {
    let mut statements: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for permission in allowed {
        let known = PERMISSIONS.iter().find(|(known, ..)| known == permission);
        let no_resource = || Error::NoResource { function: name.to_owned(), permission: permission.clone() };
        let (permission, _, resource) = known.ok_or_else(no_resource)?;
        let action = permission.split(' ').next().unwrap_or_default();
        statements.entry(resource).or_default().push(action);
    }
    // No log group is a function's own: all endpoints write to one, and the background to another. So what stands here is
    // the same for all that share a role, and as narrow as it would be without: that group's streams, which Lambda names
    // by itself, and no other group's.
    let log = if fed == Fed::Api { "!GetAtt RequestsLog.Arn" } else { "!GetAtt BackgroundLog.Arn" };
    statements.entry(log).or_default().extend(["logs:CreateLogStream", "logs:PutLogEvents"]);
    statements.entry("\"*\"").or_default().extend(["xray:PutTelemetryRecords", "xray:PutTraceSegments"]);
    match fed {
        Fed::Api => {}
        Fed::Stream => {
            let reads = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
            statements.entry("!GetAtt Table.StreamArn").or_default().extend(reads);
            statements.entry("!Sub \"${Table.Arn}/stream/*\"").or_default().push("dynamodb:ListStreams");
            statements.entry("!GetAtt RelayFailures.Arn").or_default().push("sqs:SendMessage");
        }
        Fed::Queue(queue) => {
            let reads = ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"];
            let queue = if queue == "WorkQueue" { "!GetAtt WorkQueue.Arn" } else { "!GetAtt WebhookQueue.Arn" };
            statements.entry(queue).or_default().extend(reads);
        }
        Fed::Schedule => statements.entry("!GetAtt ExpireFailures.Arn").or_default().push("sqs:SendMessage"),
    }

    let id = id(name, allowed, fed);
    let mut text = format!(
        "  {id}:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: \"2012-10-17\"
        Statement: [{{ Effect: Allow, Principal: {{ Service: lambda.amazonaws.com }}, Action: sts:AssumeRole }}]
      Policies:
        - PolicyName: what-it-calls
          PolicyDocument:
            Version: \"2012-10-17\"
            Statement:
"
    );
    for (resource, mut actions) in statements {
        actions.sort_unstable();
        let actions = match actions.as_slice() {
            [action] => (*action).to_owned(),
            actions => format!("[{}]", actions.join(", ")),
        };
        // In braces, a resource that has some must not look like the end of them.
        if resource.contains('{') && !resource.contains('"') {
            _ = write!(
                text,
                "              - Effect: Allow\n                Action: {actions}\n                Resource: {resource}\n"
            );
        } else {
            _ = writeln!(text, "              - {{ Effect: Allow, Action: {actions}, Resource: {resource} }}");
        }
    }
    if allowed.iter().any(|permission| HANDS_OVER_A_ROLE.contains(&permission.as_str())) {
        text += "              - Effect: Allow
                Action: iam:PassRole
                Resource: !GetAtt ScheduleRole.Arn
                Condition: { StringEquals: { iam:PassedToService: scheduler.amazonaws.com } }
";
    }
    Ok(Role { id, text })
}
