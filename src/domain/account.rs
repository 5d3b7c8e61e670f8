//! A channel account: a merchant number at a channel, with the settings and secrets to act for it.

use crate::domain::order::Channel;
use crate::domain::secret::{Sealed, Secret};

/// A channel account. Several apps may use one. `S` is the form of its secrets: readable or sealed.
#[derive(Clone)]
pub struct ChannelAccount<S = Secret> {
    /// Our name of the account: at most [`ACCOUNT_ID_CHARS`](crate::domain::limits::ACCOUNT_ID_CHARS) letters, digits
    /// and `_-.`.
    pub account_id: String,
    pub channel: Channel,
    /// Merchant number at the channel. An account in test mode has its own `account_id` here.
    pub mch_id: String,
    /// Settings of the channel's adapter besides the secrets, as JSON in the adapter's own format.
    pub settings: String,
    /// Secrets, as one text in the adapter's own format. In test mode: the key that signs the sandbox's callbacks.
    pub secrets: S,
    /// True where the sandbox replaces the channel and no money moves. Never changes: a test can then never reach a
    /// payer, and real money is never mistaken for a test.
    pub test_mode: bool,
    /// False where the account takes no new refunds. Refunds that have begun are still brought to their end.
    pub enabled: bool,
}

/// A channel account with its secrets sealed, as it is stored.
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
    /// Returns the account with other secrets, or with its secrets in another form.
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
