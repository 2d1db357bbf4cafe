//! What `template.yaml` says of a function, as far as a process of its binary can tell.

use std::{collections::BTreeSet, fs, sync::LazyLock};

use tests::repository;

static TEMPLATE: LazyLock<String> =
    LazyLock::new(|| fs::read_to_string(repository().join("template.yaml")).expect("template.yaml"));

/// The names of the variables that a function is given: those of all functions, and its own.
pub(crate) fn variables(function: &str) -> BTreeSet<String> {
    let name = format!("FunctionName: !Sub ${{AWS::StackName}}-{function}");
    let own = TEMPLATE
        .split("    Type: AWS::Serverless::Function\n")
        .find(|block| block.lines().any(|line| line.trim() == name));
    let own = own.unwrap_or_else(|| panic!("template.yaml has no function {function}"));
    let (globals, _) = TEMPLATE.split_once("\nResources:\n").expect("resources");
    // A resource ends where the next one's name stands: two spaces in.
    let own = own.lines().take_while(|line| !line.starts_with("  ") || line.starts_with("    "));
    let names = globals.lines().chain(own).filter_map(|line| line.trim().split_once(':'));
    let names = names.map(|(name, _)| name).filter(|name| name.starts_with("TENDER_"));
    names.map(str::to_owned).collect()
}
