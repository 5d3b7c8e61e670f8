//! A channel account: a merchant number at a channel, with what is needed to speak for it.

use crate::domain::order::Channel;
use crate::domain::secret::{Sealed, Secret};

/// A channel account. Apps use accounts; several apps may use one. `S` is the form of its secrets: readable, or as they
/// are stored.
#[derive(Clone)]
pub struct ChannelAccount<S = Secret> {
    /// Our name for it, at most [`ACCOUNT_ID_CHARS`](crate::domain::limits::ACCOUNT_ID_CHARS) letters, digits and `_-.`.
    pub account_id: String,
    pub channel: Channel,
    /// The merchant number at the channel. An account in test mode has its own id here.
    pub mch_id: String,
    /// What the channel's adapter needs besides the secrets, as JSON in the adapter's own shape.
    pub settings: String,
    /// The secrets, as one text in the adapter's own shape. Of an account in test mode: the key that signs the
    /// sandbox's callbacks.
    pub secrets: S,
    /// The sandbox stands in for the channel: no money moves. Fixed when the account is made, so that what is called a
    /// test can never reach a payer, and what moves money is never mistaken for a test.
    pub test_mode: bool,
    /// A disabled account takes no new refunds. What was begun at it is brought to its end.
    pub enabled: bool,
}

/// A channel account as it is stored.
pub type SealedAccount = ChannelAccount<Sealed>;

impl ChannelAccount {
    /// Makes an account in test mode.
    pub fn in_test_mode(account_id: &str, channel: Channel, secret: Secret) -> ChannelAccount {
        ChannelAccount {
            account_id: account_id.to_owned(),
            channel,
            mch_id: account_id.to_owned(),
            settings: "{}".to_owned(),
            secrets: secret,
            test_mode: true,
            enabled: true,
        }
    }
}

impl<S> ChannelAccount<S> {
    /// Returns the account with other secrets, or its own in another form.
    pub fn with_secrets<T>(self, secrets: T) -> ChannelAccount<T> {
        ChannelAccount {
            account_id: self.account_id,
            channel: self.channel,
            mch_id: self.mch_id,
            settings: self.settings,
            secrets,
            test_mode: self.test_mode,
            enabled: self.enabled,
        }
    }
}

impl<S> std::fmt::Debug for ChannelAccount<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ChannelAccount")
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}
