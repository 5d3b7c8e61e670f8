//! The merchant's system, which receives notices.

use futures::future::BoxFuture;
use refundry::server::outbound::{Answer, NoticeTransport};
use serde_json::Value;

use crate::world::{FaultMode, Happening, SECOND, Shared, World};

/// Time limit of the sending of a notice, in milliseconds.
const TIME_LIMIT: i64 = 5 * SECOND;

/// The content of a notice that tells it from others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Told {
    pub refund_no: String,
    pub status: String,
    pub error_msg: Option<String>,
}

impl World {
    fn post(&mut self, body: &str) -> FaultMode<Answer> {
        let told = told(body);
        let down = self.now < self.receiver_down;
        let arrives = if down {
            self.chance(10.0)
        } else {
            !self.ill(5.0)
        };
        let late = arrives && self.ill(5.0);
        self.note(format!(
            "  told{}: {told:?}",
            if arrives { "" } else { " in vain" }
        ));
        if late {
            let after = self.between(1, TIME_LIMIT - 1);
            self.plan(after, Happening::Deliver(told));
        } else if arrives {
            self.deliver(told);
        }
        if self.ill(3.0) {
            return FaultMode::Die;
        }
        let answer = match self.between(0, 3) {
            _ if arrives && !late && !down && !self.ill(8.0) => answer(Some(200), "SUCCESS", None),
            0 => answer(Some(500), "", Some("answered with HTTP 500")),
            1 => answer(Some(200), "FAIL", Some("the answer is not SUCCESS")),
            _ => answer(None, "", Some("no answer within 5 s")),
        };
        match answer.http_status {
            None => FaultMode::At(self.now + TIME_LIMIT, answer),
            Some(_) if self.ill(12.0) => {
                FaultMode::At(self.now + self.between(1, TIME_LIMIT - 1), answer)
            }
            Some(_) => FaultMode::Now(answer),
        }
    }

    pub fn deliver(&mut self, told: Told) {
        self.counts.notices += 1;
        self.told.push(told);
    }
}

fn answer(http_status: Option<i64>, body: &str, failure: Option<&str>) -> Answer {
    Answer {
        http_status,
        body: http_status.map(|_| body.to_owned()),
        failure: failure.map(str::to_owned),
        took_ms: 0,
    }
}

/// Reads a notice of the open edition.
fn told(body: &str) -> Told {
    let notice: Value = serde_json::from_str(body).expect("a notice is JSON");
    let text = |field: &str| notice["data"][field].as_str().map(str::to_owned);
    Told {
        refund_no: text("refundNo").expect("a notice names its refund"),
        status: text("status").expect("a notice tells a state"),
        error_msg: text("errorMsg"),
    }
}

/// A node's connection to the merchant's system.
pub struct Postman {
    pub world: Shared,
    pub node: usize,
}

impl NoticeTransport for Postman {
    fn post<'a>(&'a self, _: &'a str, body: &'a str) -> BoxFuture<'a, Answer> {
        Box::pin(async move {
            let fate = self.world.lock().post(body);
            self.world.meet(self.node, fate).await
        })
    }
}
