//! `POST /cl/merchant-gateway-service/sca/{scaToken}/code`: takes the one-time code.

use api::{Access, Call, Code, Endpoint, Engine, Family, Problem, Reply, Route, field_invalid, field_missing};
use domain::credit::{ProofFault, Standing};
use http::StatusCode;
use partners::CreditError;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{Subject, problem, word};

/// Gives the one-time code of an authentication, from its page. A wrong code is answered, and so is an authentication
/// that has ended.
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct GiveScaCode;

/// The request.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "GiveScaCodeRequest"))]
pub struct Body {
    /// The one-time code: six digits.
    #[cfg_attr(feature = "openapi", schemars(with = "String", regex(pattern = "^[0-9]{6}$")))]
    code: Option<SecretString>,
}

/// Where the authentication stands after it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "GiveScaCodeResponse"))]
struct Answer {
    /// What became of it.
    #[cfg_attr(feature = "openapi", schemars(extend("enum" = ["authenticated", "wrong", "failed", "expired", "used"])))]
    status: &'static str,
    /// How many more codes can be given, if this one was wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts_left: Option<u8>,
}

impl Endpoint for GiveScaCode {
    const ROUTE: Route = Route {
        name: "give-sca-code",
        method: "POST",
        paths: &["/cl/merchant-gateway-service/sca/{scaToken}/code"],
        family: Family::OrderProcessing,
        access: Access::Public,
    };
    type Body = Body;

    async fn handle(engine: &Engine, call: Call<Body>) -> Result<Reply, Problem> {
        let subject = Subject::of(engine, &call)?;
        let code = read(call.body.code)?;
        let mut standing = subject.standing(engine).await?;
        if matches!(standing, Standing::Open { .. }) {
            standing = give(engine, &subject, &code).await?;
        }
        let attempts_left = match standing {
            Standing::Open { tries_left } => Some(tries_left),
            Standing::Passed | Standing::Failed | Standing::Expired | Standing::Used => None,
        };
        let answer = Answer { status: word(standing).unwrap_or("wrong"), attempts_left };
        Reply::json(StatusCode::OK, None, &answer)
    }
}

/// Reads the code. What came instead is not told: it may be a code of something else.
fn read(code: Option<SecretString>) -> Result<SecretString, Problem> {
    const DIGITS: usize = partners::credit::ONE_TIME_CODE_DIGITS;
    let code = code.ok_or_else(|| field_missing("code"))?;
    let text = code.expose_secret();
    if text.len() != DIGITS || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(field_invalid("code", "six digits", "another text"));
    }
    Ok(code)
}

/// Gives the code of an authentication that was open a moment ago.
async fn give(engine: &Engine, subject: &Subject, code: &SecretString) -> Result<Standing, Problem> {
    let Subject { merchant, authentication } = subject;
    let (customer, proof) = (&authentication.customer, authentication.proof());
    match engine.credits.give_code(merchant, customer, &proof, code.expose_secret()).await {
        Ok(standing) => Ok(standing),
        Err(CreditError::Proof(ProofFault::TooMany)) => {
            let message = "The customer has too many authentications under way. Try again later.";
            Err(Problem::new(Code::ListFull, message))
        }
        // Others have ended it meanwhile.
        Err(CreditError::Proof(_)) => subject.standing(engine).await,
        Err(error) => Err(problem(error)),
    }
}

#[cfg(feature = "openapi")]
impl api::openapi::Describe for GiveScaCode {
    fn describe() -> api::openapi::Description {
        api::openapi::Description::new()
            .path("scaToken", "What the initiation answered.")
            .answer::<Answer>(StatusCode::OK, "What became of it.")
    }
}
