//! A merchant's app: who may ask for refunds, how its requests are signed, which channels it has.

use serde::{Deserialize, Serialize};

use crate::domain::order::Channel;
use crate::domain::secret::{Sealed, Secret};
use crate::domain::string_enum;

string_enum! {
    /// How requests and answers are signed.
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

/// A merchant's app. `S` is its secret's form: readable, or as it is stored.
#[derive(Clone)]
pub struct MerchantApp<S = Secret> {
    pub app_id: String,
    pub name: String,
    /// The merchant number a request must name if it names one.
    pub mch_no: Option<String>,
    pub secret: S,
    pub sign_type: SignType,
    pub enabled: bool,
    /// Answers requests that name no app. At most one app is the default.
    pub is_default: bool,
    /// Set where requests must be signed; see [`MerchantApp::needs_signature`].
    pub sign_required: bool,
    /// Whether clients 2.x are served.
    pub single_edition: bool,
    /// The edition of notices for refunds that were made in the console.
    pub edition: Edition,
    /// How far `reqTime` may be from our clock, in milliseconds.
    pub req_time_leeway_ms: i64,
    /// Where notices go when the refund names no address.
    pub notify_url: Option<String>,
    pub channels: Vec<AppChannel>,
}

/// An app as it is stored.
pub type SealedApp = MerchantApp<Sealed>;

impl<S> std::fmt::Debug for MerchantApp<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MerchantApp")
            .field("app_id", &self.app_id)
            .finish_non_exhaustive()
    }
}

impl<S> MerchantApp<S> {
    /// Returns the app with another secret, or its own in another form.
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

    /// Tells whether the app has a channel that moves money.
    pub fn moves_money(&self) -> bool {
        self.channels.iter().any(|settings| !settings.test_mode)
    }

    /// Tells whether requests must be signed: where the app says so, and wherever money could move.
    pub fn needs_signature(&self) -> bool {
        self.sign_required || self.moves_money()
    }

    /// The app's settings for a channel, if it has that channel.
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
    /// The account at which the app's orders of this channel are paid. Orders that were recorded before a change keep
    /// theirs.
    pub account_id: String,
    /// The account is in test mode: the sandbox stands in for the channel.
    pub test_mode: bool,
    pub enabled: bool,
    /// How long after payment an order may be refunded, in days.
    pub refund_window_days: i64,
}

/// What the console shows of an app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppName {
    pub app_id: String,
    pub name: String,
}
