//! The orderprocessing family, through HTTP.

mod errors;
mod families;
mod journey;
mod options;
mod outcomes;
mod parts;
mod races;
mod repetition;

use tests::shop::Answer;

/// Says of a problem of the family: its status, and its code.
fn problem(answer: &Answer) -> (u16, String) {
    assert_eq!(answer.headers["content-type"], "application/problem+json", "{}", answer.text);
    assert_eq!(answer.at("/status"), answer.status, "{}", answer.text);
    (answer.status, answer.text_at("/code"))
}
