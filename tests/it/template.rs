//! `template.yaml` is what the generator writes, and says of every function what the code does.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use api::Mounted;
use functions::{CATALOGUE, CONSUMERS};
use serde_json::{Value, json};
use tests::repository;

/// Characters that all inline policies of a role may have.
const POLICIES_CHARS_MAX: usize = 10_240;

/// Characters of the longest name a function can have.
const FUNCTION_NAME_CHARS_MAX: usize = 64;

/// Routes that an HTTP API takes.
const ROUTES_MAX: usize = 300;

/// What the functions read that a deployed stack does not set: secrets in the open, and an emulator's test merchants.
const NOT_FOR_AWS: &[&str] = &["TENDER_SECRETS", "TENDER_TEST_MERCHANTS"];

fn read(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap()
}

fn functions() -> BTreeSet<&'static str> {
    let endpoints = CATALOGUE.iter().map(|mounted| mounted.route.name);
    endpoints.chain(CONSUMERS.iter().map(|(name, _)| *name)).collect()
}

/// The words of a text that begin with `TENDER_`.
fn variables(text: &str) -> BTreeSet<&str> {
    let is_end = |character: char| !character.is_ascii_uppercase() && character != '_';
    text.match_indices("TENDER_").map(|(at, _)| text[at..].split(is_end).next().unwrap()).collect()
}

#[test]
fn the_template_is_what_the_generator_writes() {
    let written = sam::template().unwrap_or_else(|error| panic!("{error}"));
    let is_same = read("template.yaml") == written;
    assert!(is_same, "template.yaml is not what {:?} writes: run it, and commit what it wrote", sam::COMMAND);
}

#[test]
fn the_routes_of_cargo_lambda_watch_are_what_the_generator_writes() {
    let manifest = read("Cargo.toml");
    let is_same = sam::with_watch_routes(&manifest).unwrap() == manifest;
    assert!(is_same, "the routes in Cargo.toml are not what {:?} writes: run it, and commit that", sam::COMMAND);
}

#[test]
fn every_function_has_its_permissions_and_every_permission_its_function() {
    let permissions = sam::permissions().unwrap();
    let listed = permissions.keys().map(String::as_str).collect::<BTreeSet<_>>();
    let functions = functions();
    let missing = functions.difference(&listed).collect::<Vec<_>>();
    assert!(missing.is_empty(), "infra/sam/permissions.toml: say what the binary calls of {missing:?}");
    let unknown = listed.difference(&functions).collect::<Vec<_>>();
    assert!(unknown.is_empty(), "infra/sam/permissions.toml: no function is called {unknown:?}");
}

#[test]
fn every_binary_is_deployed_and_every_deployed_binary_is_there() {
    let template = read("template.yaml");
    let binary = |line: &str| Some(line.split_once("Binary: ")?.1.split(' ').next()?.to_owned());
    let deployed = template.lines().filter_map(binary).collect::<Vec<_>>();
    let names = deployed.iter().map(String::as_str).collect::<BTreeSet<_>>();
    assert_eq!(deployed.len(), names.len(), "a binary is deployed twice");
    let functions = functions();
    let missing = functions.difference(&names).collect::<Vec<_>>();
    assert!(missing.is_empty(), "template.yaml lacks {missing:?}: consumers stand in infra/sam/base.yaml");
    let unknown = names.difference(&functions).collect::<Vec<_>>();
    assert!(unknown.is_empty(), "template.yaml deploys {unknown:?}, which is no function");
}

#[test]
fn every_endpoint_has_its_routes_and_no_other_is_there() {
    let template = read("template.yaml");
    let paths = template.lines().skip_while(|line| line.trim() != "paths:").skip(1);
    let mut routes: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let (mut path, mut method) = (String::new(), String::new());
    for line in paths.take_while(|line| line.starts_with("          ")) {
        let indent = line.len() - line.trim_start().len();
        match (indent, line.trim()) {
            (10, key) => key.trim_end_matches(':').clone_into(&mut path),
            (12, key) => method = key.trim_end_matches(':').to_uppercase(),
            (_, field) => {
                if let Some((_, name)) =
                    field.split_once("-${AWS::StackName}-").or_else(|| field.split_once("StackName}-"))
                {
                    let name = name.split(':').next().unwrap().to_owned();
                    routes.entry(name).or_default().insert(format!("{method} {path}"));
                }
            }
        }
    }
    for mounted in CATALOGUE {
        let found = routes.remove(mounted.route.name).unwrap_or_default();
        let paths = mounted.route.paths.iter().flat_map(|path| sam::api_paths(path));
        let expected = paths.map(|path| format!("{} {path}", mounted.route.method));
        assert_eq!(found, expected.collect(), "{}", mounted.route.name);
    }
    assert!(routes.is_empty(), "template.yaml has routes to functions that are none: {routes:?}");
}

/// AWS says which of two routes is taken only if one of them has no variable there, or a greedy one.
#[test]
fn no_request_fits_two_routes_of_the_api() {
    let paths = |mounted: &Mounted| {
        let paths = mounted.route.paths.iter().flat_map(|path| sam::api_paths(path));
        paths.map(|path| (mounted.route.method, path)).collect::<Vec<_>>()
    };
    let routes = CATALOGUE.iter().flat_map(paths).collect::<Vec<_>>();
    for (place, (method, path)) in routes.iter().enumerate() {
        for (_, other) in routes[..place].iter().filter(|(of, _)| of == method) {
            let (parts, others) = (path.split('/'), other.split('/'));
            let is_as_long = parts.clone().count() == others.clone().count();
            let fits =
                parts.zip(others).all(|(part, other)| part == other || part.starts_with('{') || other.starts_with('{'));
            assert!(!(is_as_long && fits), "{method} {path} and {other}");
        }
    }
}

#[test]
fn functions_are_told_all_that_they_read_and_nothing_else() {
    let (code, template) = (read("functions/src/lambda.rs"), read("template.yaml"));
    let mut read = variables(&code);
    for unused in NOT_FOR_AWS {
        assert!(read.remove(unused), "{unused} is not read any more");
        let is_set = template.contains(&format!("{unused}:"));
        assert!(!is_set, "template.yaml sets {unused}");
    }
    let set = variables(&template);
    assert_eq!(read, set, "on the left what functions read, on the right what template.yaml sets");
}

#[test]
fn roles_allow_single_actions_on_what_they_are_for() {
    for line in read("template.yaml").lines() {
        let is_wide = line.contains("Action: \"*\"") || line.contains(":*\"") && line.contains("Action");
        assert!(!is_wide, "a role allows more than an action: {line}");
        let is_everything = line.contains("Resource: \"*\"");
        let has_no_resource = line.contains("xray:Put") || line.contains("cloudwatch:DescribeAlarms");
        assert!(!is_everything || has_no_resource, "a role allows something on everything: {line}");
        assert!(!line.contains("ManagedPolicyArns"), "roles have no policies but their own");
    }
}

/// The resources of the template: the lines of each.
fn resources(template: &str) -> BTreeMap<&str, Vec<&str>> {
    let lines = template.lines().skip_while(|line| *line != "Resources:").skip(1);
    let mut resources: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let mut resource = "";
    for line in lines.take_while(|line| *line != "Outputs:") {
        match line.strip_prefix("  ").and_then(|line| line.strip_suffix(':')) {
            Some(name) if name.chars().all(char::is_alphanumeric) => {
                assert!(!resources.contains_key(name), "{name} is there twice");
                resource = name;
                resources.insert(name, Vec::new());
            }
            _ if resource.is_empty() => {}
            _ => resources.entry(resource).or_default().push(line),
        }
    }
    resources
}

/// What follows a key in one of the lines.
fn value<'a>(lines: &[&'a str], key: &str) -> Option<&'a str> {
    lines.iter().find_map(|line| Some(line.split_once(key)?.1))
}

/// What the statements of a role's lines allow: each action, and on what.
fn allowed(role: &[&str]) -> BTreeSet<(String, String)> {
    let policy = role.iter().skip_while(|line| line.trim() != "Policies:");
    let (mut allowed, mut actions) = (BTreeSet::new(), "");
    for line in policy {
        if let Some((_, rest)) = line.split_once("Action: ") {
            let end = |list: &'static str| rest.split(list).next().unwrap();
            actions = if rest.starts_with('[') { &end("]")[1..] } else { end(", ") };
        }
        if let Some((_, resource)) = line.split_once("Resource: ") {
            let resource = resource.strip_suffix(" }").unwrap_or(resource);
            allowed.extend(actions.split(", ").map(|action| (action.to_owned(), resource.to_owned())));
            actions = "";
        }
    }
    allowed
}

/// What a permission of `permissions.toml` allows, in the words of the template. Of one that is not known here it says
/// nothing, so that the role that has it allows more than was expected.
fn on_what(permission: &str) -> Vec<(String, String)> {
    let (action, of) = permission.split_once(' ').unwrap_or((permission, ""));
    let on = |action: &str, resource: &str| (action.to_owned(), resource.to_owned());
    let schedules = "!Sub arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule/${ScheduleGroup}/*";
    match (action.split(':').next().unwrap(), of) {
        ("dynamodb", "") => vec![on(action, "!GetAtt Table.Arn")],
        ("dynamodb", "by-list") => vec![on(action, "!Sub \"${Table.Arn}/index/by-list\"")],
        ("events", "") => vec![on(action, "!GetAtt Bus.Arn")],
        ("secretsmanager", "") => vec![on(action, "!GetAtt Secrets.Id")],
        ("secretsmanager", "operator-key") => vec![on(action, "!GetAtt OperatorKey.Id")],
        ("sqs", "webhooks") => vec![on(action, "!GetAtt WebhookQueue.Arn")],
        ("sqs", "work") => vec![on(action, "!GetAtt WorkQueue.Arn")],
        ("scheduler", "") if action == "scheduler:DeleteSchedule" => vec![on(action, schedules)],
        ("scheduler", "") => vec![on(action, schedules), on("iam:PassRole", "!GetAtt ScheduleRole.Arn")],
        _ => Vec::new(),
    }
}

/// What Lambda does on behalf of a function, which takes its role's rights: logs, traces, and what stands at the function
/// itself, which are the stream or the queue that it is fed from, and the queue of what failed.
fn on_its_behalf(function: &[&str]) -> Vec<(String, String)> {
    let log =
        if value(function, "LogGroup: !Ref ") == Some("BackgroundLog }") { "BackgroundLog" } else { "RequestsLog" };
    let mut all = Vec::new();
    let mut on = |resource: &str, actions: &[&str]| {
        all.extend(actions.iter().map(|action| ((*action).to_owned(), resource.to_owned())));
    };
    on(&format!("!GetAtt {log}.Arn"), &["logs:CreateLogStream", "logs:PutLogEvents"]);
    on("\"*\"", &["xray:PutTelemetryRecords", "xray:PutTraceSegments"]);
    if value(function, "Stream: ") == Some("!GetAtt Table.StreamArn") {
        let reads = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"];
        on("!GetAtt Table.StreamArn", &reads);
        on("!Sub \"${Table.Arn}/stream/*\"", &["dynamodb:ListStreams"]);
    }
    if let Some(queue) = value(function, " Queue: ") {
        on(queue, &["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]);
    }
    if let Some(failures) = value(function, "OnFailure: { Type: SQS, Destination: ") {
        on(failures.trim_end_matches([' ', '}']), &["sqs:SendMessage"]);
    }
    all
}

/// However many share it: what the role of a function allows is what stands for that function, and no more.
#[test]
fn the_role_of_every_function_allows_what_stands_for_it_and_no_more() {
    let (permissions, template) = (sam::permissions().unwrap(), read("template.yaml"));
    let resources = resources(&template);
    for name in functions() {
        let binary = format!("Binary: {name} }} }}");
        let mut found = resources.values().filter(|lines| value(lines, &binary).is_some());
        let function = found.next().unwrap_or_else(|| panic!("template.yaml has no function for {name}"));
        let role = value(function, "      Role: !GetAtt ").and_then(|role| role.strip_suffix(".Arn")).unwrap();
        let mut expected = on_its_behalf(function);
        expected.extend(permissions[name].iter().flat_map(|permission| on_what(permission)));
        assert_eq!(allowed(&resources[role]), expected.into_iter().collect(), "on the left {role}, the role of {name}");
    }
}

#[test]
fn roles_hand_over_a_role_to_the_scheduler_alone() {
    let template = read("template.yaml");
    let lines = template.lines().collect::<Vec<_>>();
    let condition = "Condition: { StringEquals: { iam:PassedToService: scheduler.amazonaws.com } }";
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.contains("iam:PassRole")) {
        assert_eq!((line.trim(), lines[at + 2].trim()), ("Action: iam:PassRole", condition), "line {at}");
    }
}

/// A stack takes so many resources: functions that may do the same share a role.
#[test]
fn no_two_roles_of_functions_allow_the_same_and_none_is_idle() {
    let template = read("template.yaml");
    let resources = resources(&template);
    let roles = resources.iter().filter(|(_, lines)| value(lines, "Service: lambda.amazonaws.com").is_some());
    let roles = roles.map(|(name, lines)| (*name, allowed(lines))).collect::<BTreeMap<_, _>>();
    let sets = roles.values().collect::<BTreeSet<_>>();
    assert_eq!(roles.len(), sets.len(), "two roles allow the same: {:?}", roles.keys());
    let used = resources.values().filter_map(|lines| value(lines, "      Role: !GetAtt ")?.strip_suffix(".Arn"));
    let used = used.collect::<BTreeSet<_>>();
    assert_eq!(
        roles.keys().copied().collect::<BTreeSet<_>>(),
        used,
        "on the left the roles, on the right those that functions have"
    );
}

#[test]
fn the_template_stays_within_what_aws_takes() {
    let resources = sam::resources().unwrap();
    let limit = sam::RESOURCES_MAX;
    assert!(
        resources <= limit,
        "{resources} resources, and a stack takes {limit}: move a family into a stack of its own"
    );
    let told = fs::read_to_string(repository().join("docs/DEPLOYING.md")).unwrap();
    assert!(
        told.contains(&format!("It is {resources} resources; ")),
        "docs/DEPLOYING.md says another number than {resources}"
    );

    let routes = CATALOGUE.iter().flat_map(|mounted| mounted.route.paths).map(|path| sam::api_paths(path).len());
    let routes = routes.sum::<usize>();
    assert!(routes <= ROUTES_MAX, "{routes} routes, and an API takes {ROUTES_MAX}");

    let longest = CATALOGUE.iter().map(|mounted| mounted.route.name.len()).max().unwrap();
    assert!(longest <= 40, "with {longest} characters of a function's name, too few are left for the stack's");
    // As JSON, each with its alias, in quotes, and with a comma.
    let arn = "\"arn:aws-us-gov:lambda:ap-southeast-1:123456789012:function::live\",".len() + FUNCTION_NAME_CHARS_MAX;
    for family in CATALOGUE.iter().map(|mounted| mounted.route.family) {
        let functions = CATALOGUE.iter().filter(|mounted| mounted.route.family == family).count();
        let chars = functions * arn + 200;
        assert!(chars <= POLICIES_CHARS_MAX, "the API's role of {family:?} has {chars} characters: split it");
    }
}

#[test]
fn the_table_is_the_one_that_commits_are_written_to() {
    let template = read("template.yaml");
    assert!(template.contains(&format!("- IndexName: {}\n", aws::LIST_INDEX)));
    let followed = format!(r#""NewImage":{{"{}":{{"S":"#, aws::FOLLOWED);
    assert!(template.contains(&followed), "the relay's filter is not for what has consequences: {followed}");
}

/// What `.ci/lambdas` sends every function's binary.
#[test]
fn every_function_has_a_golden_event_of_its_route() {
    let folder = repository().join("tests/lambdas/events");
    let files = fs::read_dir(folder).unwrap().map(|file| {
        let path = file.unwrap().path();
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    });
    let files = files.collect::<BTreeSet<_>>();
    let functions = functions().into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(files, functions, "tests/lambdas/events differs from CATALOGUE and CONSUMERS in functions/src/lib.rs");
    for mounted in CATALOGUE {
        let (name, method) = (mounted.route.name, mounted.route.method);
        let event = read(&format!("tests/lambdas/events/{name}.json"));
        let event = serde_json::from_str::<Value>(&event).unwrap();
        assert_eq!((&event["version"], &event["isBase64Encoded"]), (&json!("2.0"), &json!(false)), "{name}");
        let key = event["routeKey"].as_str().unwrap();
        let mut paths = mounted.route.paths.iter().flat_map(|path| sam::api_paths(path));
        assert!(paths.any(|path| key == format!("{method} {path}")), "{name}: {key}");
        let context = &event["requestContext"];
        assert_eq!((&context["routeKey"], &context["http"]["path"]), (&event["routeKey"], &event["rawPath"]), "{name}");
        let of_path = event["pathParameters"].as_object().map_or(0, serde_json::Map::len);
        assert_eq!(of_path, key.matches('{').count(), "{name}");
    }
}
