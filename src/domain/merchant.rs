//! A merchant's app: its secret, its signatures and its channels.

use serde::{Deserialize, Serialize};

use crate::domain::account::ChannelAccount;
use crate::domain::order::Channel;
use crate::domain::secret::{Sealed, Secret};
use crate::domain::string_enum;

string_enum! {
    /// The signature of requests and answers.
    SignType {
        HmacSha256 = "hmac_sha256",
        Md5 = "md5",
        Sm3 = "sm3",
    }
}

string_enum! {
    /// The two generations of the gateway's protocol.
    Edition {
        /// Clients 2.x: integer fen, Unix seconds.
        Single = "single",
        /// Clients 3.x: decimal yuan, local times.
        Open = "open",
    }
}

/// A merchant's app. `S` is the form of its secret: readable or sealed.
#[derive(Clone)]
pub struct MerchantApp<S = Secret> {
    pub app_id: String,
    pub name: String,
    /// Merchant number. A request that names a merchant number must name this one.
    pub mch_no: Option<String>,
    pub secret: S,
    pub sign_type: SignType,
    pub enabled: bool,
    /// The default app serves requests that name no app. At most one app is the default.
    pub is_default: bool,
    /// True where requests must be signed; see [`MerchantApp::needs_signature`].
    pub sign_required: bool,
    /// True where clients 2.x are served.
    pub single_edition: bool,
    /// Edition of the notices about refunds that were made in the console.
    pub edition: Edition,
    /// Maximum difference between `reqTime` and our clock, in milliseconds.
    pub req_time_leeway_ms: i64,
    /// Address of notices for refunds that name none.
    pub notify_url: Option<String>,
    pub channels: Vec<AppChannel>,
}

/// An app with its secret sealed, as it is stored.
pub type SealedApp = MerchantApp<Sealed>;

impl<S> std::fmt::Debug for MerchantApp<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MerchantApp")
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

impl<S> MerchantApp<S> {
    /// Returns the app with another secret, or with its secret in another form.
    pub fn with_secret<T>(self, secret: T) -> MerchantApp<T> {
        MerchantApp {
            app_id: self.app_id,
            name: self.name,
            mch_no: self.mch_no,
            secret,
            sign_type: self.sign_type,
            enabled: self.enabled,
            is_default: self.is_default,
            sign_required: self.sign_required,
            single_edition: self.single_edition,
            edition: self.edition,
            req_time_leeway_ms: self.req_time_leeway_ms,
            notify_url: self.notify_url,
            channels: self.channels,
        }
    }

    /// Returns true where the app has a channel that moves money.
    pub fn moves_money(&self) -> bool {
        self.channels.iter().any(|settings| !settings.test_mode)
    }

    /// Returns true where requests must be signed: by the app's own setting, or because money could move.
    pub fn needs_signature(&self) -> bool {
        self.sign_required || self.moves_money()
    }

    /// Returns the app's settings for a channel, if it has that channel.
    pub fn channel(&self, channel: Channel) -> Option<&AppChannel> {
        self.channels
            .iter()
            .find(|settings| settings.channel == channel)
    }
}

/// An app's settings for one channel.
#[derive(Clone, Debug)]
pub struct AppChannel {
    pub channel: Channel,
    /// Account that receives the payments of the app's orders by this channel. After a change, earlier orders keep
    /// their account.
    pub account_id: String,
    /// True for an account in test mode: the sandbox replaces the channel.
    pub test_mode: bool,
    pub enabled: bool,
    /// Time after payment within which an order may be refunded, in days.
    pub refund_window_days: i64,
}

impl AppChannel {
    /// Makes an app's settings for the channel of an account, enabled.
    pub fn by<S>(account: &ChannelAccount<S>, refund_window_days: i64) -> AppChannel {
        AppChannel {
            channel: account.channel,
            account_id: account.account_id.clone(),
            test_mode: account.test_mode,
            enabled: true,
            refund_window_days,
        }
    }
}

/// The name of an app, as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppName {
    pub app_id: String,
    pub name: String,
}
