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

/// What each permission is allowed on.
const RESOURCES: &[(&str, &str)] = &[
    ("dynamodb:PutItem", "!GetAtt Table.Arn"),
    ("dynamodb:Query", "!GetAtt Table.Arn"),
    ("dynamodb:Query by-list", "!Sub \"${Table.Arn}/index/by-list\""),
    ("events:PutEvents", "!GetAtt Bus.Arn"),
    ("scheduler:CreateSchedule", SCHEDULES),
    ("scheduler:DeleteSchedule", SCHEDULES),
    ("scheduler:UpdateSchedule", SCHEDULES),
    ("secretsmanager:GetSecretValue", "!GetAtt Secrets.Id"),
    ("secretsmanager:GetSecretValue operator-key", "!GetAtt OperatorKey.Id"),
    ("sqs:SendMessage webhooks", "!GetAtt WebhookQueue.Arn"),
    ("sqs:SendMessage work", "!GetAtt WorkQueue.Arn"),
];

/// Whoever makes a schedule says whom it acts as.
const HANDS_OVER_A_ROLE: &[&str] = &["scheduler:CreateSchedule", "scheduler:UpdateSchedule"];

/// The role of a function.
pub(crate) fn role(name: &str, allowed: &BTreeSet<String>, fed: Fed) -> Result<String, Error> {
    let mut statements: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for permission in allowed {
        let known = RESOURCES.iter().find(|(known, _)| known == permission);
        let no_resource = || Error::NoResource { function: name.to_owned(), permission: permission.clone() };
        let (permission, resource) = known.ok_or_else(no_resource)?;
        let action = permission.split(' ').next().unwrap_or_default();
        statements.entry(resource).or_default().push(action);
    }
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

    let id = logical(name);
    let mut text = format!(
        "  {id}Role:
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
    Ok(text)
}
