//! The runnable examples of the page: one file for each task and language, which needs nothing but the language itself.

use crate::domain::lang::{Text, text};

/// A task, and the files that do it.
pub(super) struct Task {
    /// Beginning of the task's anchor and of its files' names.
    pub name: &'static str,
    pub title: Text,
    pub files: &'static [File],
}

/// An example.
pub(super) struct File {
    pub language: &'static str,
    /// Name under which the file is run.
    pub name: &'static str,
    pub text: &'static str,
}

/// Makes the files of a task, one for each language.
macro_rules! files {
    ($task:literal, $java:literal) => {
        &[
            files!(@ "Shell", $task, ".sh"),
            files!(@ "Python", $task, ".py"),
            files!(@ "Java", $java, ".java"),
            files!(@ "Go", $task, ".go"),
            files!(@ "Node.js", $task, ".mjs"),
            files!(@ "PHP", $task, ".php"),
        ]
    };
    (@ $language:literal, $name:literal, $ending:literal) => {
        File {
            language: $language,
            name: concat!($name, $ending),
            text: include_str!(concat!("examples/", $name, $ending)),
        }
    };
}

pub(super) const TASKS: &[Task] = &[
    Task {
        name: "open",
        title: text(
            "服务商版（3.x）：登记订单、退款、查询",
            "open edition: record an order, refund, query",
        ),
        files: files!("open", "Open"),
    },
    Task {
        name: "single",
        title: text(
            "单商户版（2.x）：登记订单、退款、查询",
            "single edition: record an order, refund, query",
        ),
        files: files!("single", "Single"),
    },
    Task {
        name: "notice",
        title: text(
            "接收退款通知（两种版本）",
            "receive notices of refunds, in both editions",
        ),
        files: files!("notice", "Notice"),
    },
];
