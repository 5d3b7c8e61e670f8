//! A merchant's app: its secret, its signatures and its channels.

use serde::{Deserialize, Serialize};

use crate::domain::account::ChannelAccount;
use crate::domain::order::Channel;
use crate::domain::secret::{Sealed, Secret};
use crate::domain::string_enum;
use crate::domain::time::Timestamp;

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
    /// The secret before the present one, where it may still be valid.
    pub old_secret: Option<OldSecret<S>>,
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
    /// Hosts that a request's `notifyUrl` may name: exact names, or endings that begin with a dot. Empty: any host.
    pub notify_hosts: Vec<String>,
    pub channels: Vec<AppChannel>,
}

/// A secret that has been replaced, and stays valid until a moment.
#[derive(Clone)]
pub struct OldSecret<S = Secret> {
    pub secret: S,
    pub until: Timestamp,
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
    /// Returns the app with another secret as its only one.
    pub fn with_secret<T>(self, secret: T) -> MerchantApp<T> {
        MerchantApp {
            app_id: self.app_id,
            name: self.name,
            mch_no: self.mch_no,
            secret,
            old_secret: None,
            sign_type: self.sign_type,
            enabled: self.enabled,
            is_default: self.is_default,
            sign_required: self.sign_required,
            single_edition: self.single_edition,
            edition: self.edition,
            req_time_leeway_ms: self.req_time_leeway_ms,
            notify_url: self.notify_url,
            notify_hosts: self.notify_hosts,
            channels: self.channels,
        }
    }

    /// Returns the secret before the present one, while it is valid.
    pub fn valid_old_secret(&self, now: Timestamp) -> Option<&S> {
        let old = self.old_secret.as_ref().filter(|old| now < old.until);
        old.map(|old| &old.secret)
    }

    /// Returns the secret that signs an attempt to deliver a notice, counted from 1.
    ///
    /// Nobody tells us when a receiver changes over to a new secret. While both are valid, attempts are signed by the old
    /// and the new one in turn: whichever the receiver has, it gets each notice by the second attempt, 15 seconds after
    /// the first. The old one is first, so that a receiver that has not changed sees no difference.
    pub fn notice_secret(&self, attempt: i64, now: Timestamp) -> &S {
        let old = self.valid_old_secret(now).filter(|_| attempt % 2 == 1);
        old.unwrap_or(&self.secret)
    }

    /// Returns true where a request's `notifyUrl` may name this host, which is in lower case.
    pub fn allows_notify_host(&self, host: &str) -> bool {
        let is_of = |allowed: &String| match allowed.starts_with('.') {
            true => host.len() > allowed.len() && host.ends_with(allowed.as_str()),
            false => host == allowed,
        };
        self.notify_hosts.is_empty() || self.notify_hosts.iter().any(is_of)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn app() -> MerchantApp {
        crate::demo::merchant().with_secret("new".into())
    }

    #[test]
    fn a_list_of_hosts_holds_names_and_endings() {
        let mut app = app();
        assert!(app.allows_notify_host("any.example"));
        app.notify_hosts = vec!["shop.example".to_owned(), ".pay.example".to_owned()];
        for host in ["shop.example", "a.pay.example", "a.b.pay.example"] {
            assert!(app.allows_notify_host(host), "{host}");
        }
        for host in [
            "pay.example",
            ".pay.example",
            "evilpay.example",
            "a.shop.example",
            "shop.example.evil",
            "xshop.example",
            "",
        ] {
            assert!(!app.allows_notify_host(host), "{host}");
        }
    }

    #[test]
    fn attempts_are_signed_in_turn_while_two_secrets_are_valid() {
        let mut app = app();
        let signs = |app: &MerchantApp, attempt, now| {
            let secret = app.notice_secret(attempt, Timestamp(now));
            secret.reveal().to_owned()
        };
        assert_eq!(signs(&app, 1, 0), "new");
        app.old_secret = Some(OldSecret {
            secret: "old".into(),
            until: Timestamp(10),
        });
        let signed = [1, 2, 3, 4].map(|attempt| signs(&app, attempt, 9));
        assert_eq!(signed, ["old", "new", "old", "new"]);
        assert_eq!(signs(&app, 1, 10), "new");
    }
}
