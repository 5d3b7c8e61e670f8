//! Texts of lists: filters, sorting, paging.

use crate::domain::filter::Sort;
use crate::domain::lang::{Lang, Text, text};

pub const FILTERS: Text = text("筛选", "Filters");
pub const APPLY: Text = text("筛选", "Apply");
pub const SHOW: Text = text("显示", "Show");
pub const CLEAR_FILTERS: Text = text("清除全部筛选", "Clear all filters");
pub const FIRST_PAGE: Text = text("首页", "First");
pub const PREVIOUS_PAGE: Text = text("上一页", "Previous");
pub const NEXT_PAGE: Text = text("下一页", "Next");
pub const PAGES: Text = text("翻页", "Pages");
pub const NUMBER: Text = text("单号", "Number");
pub const ANY_NUMBER: Text = text("任意单号", "any number");
pub const TITLE: Text = text("标题", "Title");
pub const TITLE_BEGINS: Text = text("标题开头", "title begins");
pub const CHANNEL: Text = text("通道", "Channel");
pub const ANY_CHANNEL: Text = text("全部通道", "all channels");
pub const STATUS: Text = text("状态", "Status");
pub const ANY_STATUS: Text = text("全部状态", "any status");
pub const REFUND_SIDE: Text = text("退款状态", "Refund status");
pub const ANY_REFUND_SIDE: Text = text("全部退款状态", "any refund status");
pub const AMOUNT: Text = text("金额", "Amount");
pub const AMOUNT_YUAN: Text = text("金额（元）", "Amount (yuan)");
pub const AMOUNT_FROM: Text = text("最低金额", "lowest amount");
pub const AMOUNT_TO: Text = text("最高金额", "highest amount");
pub const AT_LEAST: Text = text("最低", "min");
pub const AT_MOST: Text = text("最高", "max");
pub const TIME: Text = text("时间", "Time");
pub const TIME_FROM: Text = text("开始日期", "from date");
pub const TIME_TO: Text = text("结束日期", "to date");
pub const DATE_HINT: Text = text("年-月-日", "yyyy-mm-dd");
pub const TODAY: Text = text("今天", "today");
pub const LAST_7_DAYS: Text = text("近 7 天", "7 days");
pub const LAST_30_DAYS: Text = text("近 30 天", "30 days");
pub const UP_TO: Text = text("至", "to");
pub const SORTED: Text = text("排序", "sorted by");
pub const NOTHING_MATCHES: Text = text("没有符合条件的结果", "Nothing matches");
pub const FIX_FILTERS: Text = text(
    "有筛选条件填写不正确，请按提示修改。",
    "A filter cannot be understood. Correct it where it is marked.",
);
pub const TOO_MANY: Text = text(
    "匹配的单号过多，只检查了其中一部分。请输入更多字符。",
    "So many numbers begin like this that only some were looked at. Type more of it.",
);

/// Describes a sort order.
pub fn sort(sort: Sort) -> Text {
    match sort {
        Sort::TimeDesc => text("时间从新到旧", "newest first"),
        Sort::TimeAsc => text("时间从旧到新", "oldest first"),
        Sort::AmountDesc => text("金额从大到小", "largest first"),
        Sort::AmountAsc => text("金额从小到大", "smallest first"),
    }
}

/// Names the button that removes a filter.
pub fn remove_filter(filter: Text, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("去掉筛选：{}", filter.zh),
        Lang::En => format!("Remove filter: {}", filter.en.to_ascii_lowercase()),
    }
}
