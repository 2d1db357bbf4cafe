//! What is written twice is compared; what is promised of every crate is checked for every crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use api::{Code, Family};
use functions::{CATALOGUE, CONSUMERS};
use tests::repository;
use toml::Table;

/// Which crates of the workspace a crate may use. Arrows point down only.
const ARROWS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("app", &["domain"]),
    ("partners", &["app", "domain"]),
    ("aws", &["app", "domain"]),
    ("embedded", &["app", "domain"]),
    ("webhooks", &["app", "domain"]),
    ("api", &["app", "domain", "partners"]),
    ("functions", &["api", "app", "aws", "domain", "partners", "webhooks"]),
    ("local", &["api", "app", "domain", "embedded", "functions", "partners", "webhooks"]),
    ("bench", &["api", "app", "aws", "domain", "embedded", "local", "partners"]),
    ("sam", &["api", "functions"]),
    ("xtask", &["functions", "sam"]),
    ("simulator", &["app", "domain", "partners"]),
    (
        "tests",
        &[
            "api",
            "app",
            "aws",
            "domain",
            "embedded",
            "functions",
            "local",
            "partners",
            "sam",
            "simulator",
            "webhooks",
            "xtask",
        ],
    ),
];

fn manifest(folder: &Path) -> Table {
    fs::read_to_string(folder.join("Cargo.toml")).unwrap().parse().unwrap()
}

fn members() -> Vec<PathBuf> {
    let root = manifest(&repository());
    let members = root["workspace"]["members"].as_array().unwrap();
    members.iter().map(|member| repository().join(member.as_str().unwrap())).collect()
}

#[test]
fn arrows_point_down_only() {
    let arrows = ARROWS.iter().copied().collect::<BTreeMap<_, _>>();
    for member in members() {
        let manifest = manifest(&member);
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        let allowed = arrows.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no row in ARROWS"));
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        for table in tables.iter().filter_map(|table| manifest.get(*table)) {
            for used in table.as_table().unwrap().keys().filter(|used| arrows.contains_key(used.as_str())) {
                assert!(allowed.contains(&used.as_str()), "{name} must not use {used}: see docs/ARCHITECTURE.md");
            }
        }
    }
}

#[test]
fn the_rules_know_no_runtime_no_clock_and_no_network() {
    let manifest = manifest(&repository().join("shared/domain"));
    let used = manifest["dependencies"].as_table().unwrap().keys().cloned().collect::<BTreeSet<_>>();
    let allowed =
        ["data-encoding", "iso_currency", "num-bigint", "serde", "thiserror", "uuid"].map(str::to_owned).into();
    assert_eq!(used, allowed, "shared/domain is synchronous and pure");
}

#[test]
fn every_crate_inherits_the_lints_and_the_versions() {
    for member in members() {
        let manifest = manifest(&member);
        let at = member.display();
        assert_eq!(manifest["lints"]["workspace"].as_bool(), Some(true), "{at}: add [lints] workspace = true");
        for field in ["version", "edition", "rust-version", "license"] {
            assert!(manifest["package"][field].is_table(), "{at}: {field}.workspace = true");
        }
        for table in ["dependencies", "dev-dependencies"].iter().filter_map(|table| manifest.get(*table)) {
            for (name, dependency) in table.as_table().unwrap() {
                let is_inherited = dependency.get("workspace").and_then(toml::Value::as_bool) == Some(true);
                assert!(is_inherited, "{at}: list {name} in the root's [workspace.dependencies] and inherit it");
            }
        }
    }
}

#[test]
fn every_function_has_its_binary_and_every_binary_its_function() {
    let endpoints = CATALOGUE.iter().map(|mounted| mounted.route.name);
    let names = endpoints.chain(CONSUMERS.iter().map(|(name, _)| *name)).map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(names.len(), CATALOGUE.len() + CONSUMERS.len(), "two functions have one name");
    let functions = repository().join("functions");
    let files = fs::read_dir(functions.join("src/bin")).unwrap().map(|file| {
        let path = file.unwrap().path();
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= 5, "{}: a binary has no logic", path.display());
        path.file_stem().unwrap().to_str().unwrap().to_owned()
    });
    let listed = "CATALOGUE and CONSUMERS in functions/src/lib.rs";
    assert_eq!(files.collect::<BTreeSet<_>>(), names, "functions/src/bin differs from {listed}");
    let manifest = manifest(&functions);
    let bins = manifest["bin"].as_array().unwrap().iter().map(|bin| {
        assert_eq!(bin["required-features"][0].as_str(), Some("lambda"));
        bin["name"].as_str().unwrap().to_owned()
    });
    assert_eq!(bins.collect::<BTreeSet<_>>(), names, "[[bin]] in functions/Cargo.toml differs from {listed}");
}

/// The handlers below a folder, by the names of their routes.
fn handlers_in(folder: &Path, into: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            handlers_in(&path, into);
        } else {
            let text = fs::read_to_string(&path).unwrap();
            for handler in text.split("impl Endpoint for ").skip(1) {
                let name = handler.split_once("name: \"").and_then(|(_, rest)| rest.split_once('"'));
                // One without a name is in no catalogue either, and is told by its file.
                into.insert(name.map_or_else(|| path.display().to_string(), |(name, _)| name.to_owned()));
            }
        }
    }
}

#[test]
fn every_handler_is_in_the_catalogue() {
    let mut handlers = BTreeSet::new();
    handlers_in(&repository().join("functions/src"), &mut handlers);
    let mounted = CATALOGUE.iter().map(|mounted| mounted.route.name.to_owned()).collect::<BTreeSet<_>>();
    assert_eq!(handlers, mounted, "handlers in functions/src differ from CATALOGUE in functions/src/lib.rs");
}

#[test]
fn no_two_endpoints_share_a_path() {
    api::Router::try_new(CATALOGUE).unwrap();
    for mounted in CATALOGUE {
        let paths = mounted.route.paths.iter().collect::<BTreeSet<_>>();
        assert_eq!(paths.len(), mounted.route.paths.len(), "{} has a path twice", mounted.route.name);
        match mounted.route.family {
            Family::Checkout => assert_eq!(paths.len(), 2, "{}", mounted.route.name),
            // What differs in its last words alone is one endpoint.
            Family::Shopping => assert!((1..=4).contains(&paths.len()), "{}", mounted.route.name),
            Family::Admin
            | Family::Sandbox
            | Family::Payments
            | Family::PaymentOrders
            | Family::OrderProcessing
            | Family::OAuth => {
                assert_eq!(paths.len(), 1, "{}", mounted.route.name);
            }
        }
    }
}

#[test]
fn every_endpoint_is_in_the_docs() {
    let docs = fs::read_to_string(repository().join("docs/API.md")).unwrap();
    for mounted in CATALOGUE {
        let line = format!("`{} {}`", mounted.route.method, mounted.route.paths[0]);
        assert!(docs.contains(&line), "docs/API.md lacks {line} ({})", mounted.route.name);
    }
}

#[test]
fn every_error_is_in_the_docs() {
    let docs = fs::read_to_string(repository().join("docs/ERRORS.md")).unwrap();
    let rows = docs.lines().filter(|line| line.starts_with("| `")).collect::<Vec<_>>();
    for code in Code::ALL {
        let start = format!("| `{}` | `{}` | {} |", code.as_str(), code.checkout(), code.status());
        assert!(rows.iter().any(|row| row.starts_with(&start)), "docs/ERRORS.md lacks a row beginning {start}");
    }
    assert_eq!(rows.len(), Code::ALL.len(), "docs/ERRORS.md has rows of codes that are none");
}

#[test]
fn the_changelog_and_the_licence_are_there() {
    let read = |name: &str| fs::read_to_string(repository().join(name)).unwrap();
    assert!(read("CHANGELOG.md").contains("## "));
    assert!(read("LICENSE").contains("Apache License"));
    for name in ["README.md", "docs/ARCHITECTURE.md", "docs/PERFORMANCE.md"] {
        assert!(!read(name).is_empty(), "{name}");
    }
}
