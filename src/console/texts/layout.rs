//! Texts of the layout and of the login page.

use crate::console::texts::INTERNAL;
use crate::domain::lang::{Lang, Text, text};

pub const PRODUCT: &str = "Refundry";
pub const ORDERS: Text = text("订单", "Orders");
pub const REFUNDS: Text = text("退款", "Refunds");
pub const SKIP: Text = text("跳到正文", "Skip to content");
pub const MAIN_NAV: Text = text("主导航", "Main navigation");
pub const SEARCH: Text = text("搜索", "Search");
pub const SEARCH_HINT: Text = text(
    "订单号、商户单号或通道单号",
    "Our, merchant or channel number",
);
pub const APP: Text = text("应用", "App");
pub const OTHER_LANGUAGE: Text = text("English", "中文");
pub const VIEW: Text = text("显示", "View");
pub const THEME: Text = text("主题", "Theme");
pub const THEME_SYSTEM: Text = text("跟随系统", "System");
pub const THEME_LIGHT: Text = text("浅色", "Light");
pub const THEME_DARK: Text = text("深色", "Dark");
pub const DENSITY: Text = text("行距", "Rows");
pub const DENSITY_NORMAL: Text = text("标准", "Normal");
pub const DENSITY_COMPACT: Text = text("紧凑", "Compact");
pub const LOG_OUT: Text = text("退出登录", "Log out");
pub const KEYBOARD: Text = text("键盘快捷键", "Keyboard");
pub const NEEDS_PERSON: Text = text("待人工处理", "Needs a person");

/// Shortcuts with their descriptions.
pub const KEYS: &[(&[&str], Text)] = &[
    (&["/"], text("搜索", "Search")),
    (
        &["j", "k"],
        text("下一行、上一行", "Next row, previous row"),
    ),
    (&["Enter"], text("打开所在行", "Open the row")),
    (&["c"], text("复制单号", "Copy the number")),
    (&["r"], text("退款", "Refund")),
    (&["s"], text("同步", "Sync")),
    (&["?"], text("显示快捷键", "Show these keys")),
    (&["Esc"], text("关闭窗口", "Close")),
];

pub const LOG_IN: Text = text("登录", "Log in");
pub const LOG_IN_TITLE: Text = text("登录 Refundry", "Log in to Refundry");
pub const NAME: Text = text("用户名", "Name");
pub const PASSWORD: Text = text("密码", "Password");

/// Says why a login was refused. `word` is from the login page's address: `wrong`, or `locked.15` for 15 minutes.
/// Returns `None` for any other word, since anybody can write one into a link.
pub fn login_refused(word: &str, lang: Lang) -> Option<String> {
    let (word, minutes) = word.split_once('.').unwrap_or((word, "0"));
    let minutes: u16 = minutes.parse().ok()?;
    let fixed = match word {
        "wrong" => text("用户名或密码不正确", "Wrong name or password"),
        "busy" => text(
            "系统繁忙，请稍后再试",
            "Too busy at the moment; try again shortly",
        ),
        "internal" => INTERNAL,
        "locked" => {
            return Some(match lang {
                Lang::Zh => format!("失败次数过多，请 {minutes} 分钟后再试"),
                Lang::En => format!("Too many failed attempts; try again in {minutes} minutes"),
            });
        }
        _ => return None,
    };
    Some(fixed.get(lang).to_owned())
}
