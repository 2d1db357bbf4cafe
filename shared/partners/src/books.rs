//! Accounts of our own: what gift cards and credit have in common.

use app::{
    StoreError, StreamId, Streams,
    ports::{Lookup, Perform},
    streams::ChangeError,
};
use domain::{
    Account, Action, MerchantAccount, Reference,
    account::{AccountCommand, AccountEvent, Call},
    order::{Decline, LegResult, Resolution},
};

/// Accounts of one kind. A stream is named by the kind and by what the account's payments know it by: their token.
#[derive(Clone)]
pub(crate) struct Books {
    pub(crate) streams: Streams,
    kind: &'static str,
}

impl Books {
    pub(crate) fn new(streams: Streams, kind: &'static str) -> Self {
        Self { streams, kind }
    }

    pub(crate) fn stream(&self, merchant: &MerchantAccount, token: &str) -> StreamId {
        StreamId::owned(merchant, self.kind, token)
    }

    pub(crate) async fn find(&self, merchant: &MerchantAccount, token: &str) -> Result<Option<Account>, StoreError> {
        let loaded = self.streams.load::<Account>(&self.stream(merchant, token), None).await?;
        Ok(loaded.map(|loaded| loaded.state))
    }

    /// Changes an account that there is.
    pub(crate) async fn change<E: From<Decline> + Send>(
        &self,
        merchant: &MerchantAccount,
        token: &str,
        decide: impl Fn(&Account) -> Result<Vec<AccountEvent>, E> + Send + Sync,
    ) -> Result<Account, ChangeError<E>> {
        let unknown = || E::from(Decline::InvalidCardNumber);
        let decide = |account: Option<&Account>| decide(account.ok_or_else(unknown)?);
        let changed = self.streams.change::<Account, E>(&self.stream(merchant, token), decide).await?;
        changed.ok_or_else(|| ChangeError::Refused(unknown()))
    }

    /// A partner's capture, void, refund or increase, if the account admits it.
    pub(crate) async fn perform(
        &self,
        request: &Perform<'_>,
        admits: impl Fn(&Account) -> Result<(), Decline> + Send + Sync,
    ) -> LegResult {
        let command = AccountCommand::Move {
            payment: request.payment,
            leg: request.leg,
            action: request.action,
            amount: request.amount.minor(),
        };
        let call = Call::Move(request.leg);
        let decide = |account: &Account| {
            let declined = |reason| account.decline(call, reason).map(|event| vec![event]).ok_or(reason);
            let is_known = account.has_done(request.leg) || account.declined(call).is_some();
            let admitted = if is_known { Ok(()) } else { admits(account) };
            admitted.and_then(|()| account.decide(&command)).or_else(declined)
        };
        match self.change(request.merchant, request.token, decide).await {
            Ok(account) => account.declined(call).map_or(LegResult::Done, |reason| LegResult::Declined { reason }),
            // No such account: nothing is held.
            Err(ChangeError::Refused(Decline::InvalidCardNumber)) if request.action == Action::Void => LegResult::Done,
            Err(ChangeError::Refused(reason)) => LegResult::Declined { reason },
            Err(ChangeError::Store(error)) => {
                tracing::warn!(%error, leg = %request.leg, "the account's store did not answer");
                LegResult::Uncertain
            }
        }
    }

    /// A partner's word on what became of an authorisation.
    pub(crate) async fn lookup(&self, request: &Lookup<'_>) -> Resolution {
        let command = AccountCommand::Lookup { payment: request.payment };
        let decide = |account: &Account| account.decide(&command);
        match self.change(request.merchant, request.token, decide).await {
            Ok(account) => found(&account, request.payment),
            Err(ChangeError::Refused(_)) => Resolution::Failed,
            Err(ChangeError::Store(error)) => unknown(&error),
        }
    }
}

fn found(account: &Account, payment: Reference) -> Resolution {
    match account.declined(Call::Hold(payment)) {
        _ if account.hold(payment).is_some() => Resolution::Authorised,
        Some(reason) => Resolution::Refused { reason },
        None => Resolution::Failed,
    }
}

/// The write may have landed: what became of it is to be looked up.
pub(crate) fn unknown(error: &StoreError) -> Resolution {
    tracing::warn!(%error, "the account's store did not answer");
    Resolution::Uncertain
}
