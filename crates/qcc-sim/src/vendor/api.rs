//! The four signed calls: 6.2.1, 6.2.3, 6.2.4, 6.2.5.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use jiff::{SignedDuration, Timestamp};
use qcc_proto::ShanghaiTime;
use rand::seq::SliceRandom;

use super::{
    Outcome, Vendor,
    callbacks::Setting,
    files, later,
    orders::Order,
    request::{header, parameter},
    wire::{self, Payload},
};
use crate::{Conduct, DateForm, Exchange, Fault, Reply, WireDialect, seed};

/// The call behind a path.
pub(super) fn exchange(path: &str) -> Option<Exchange> {
    Some(match path {
        "/api/dd_risk_mnr/setDdRiskApiPushSetting" => Exchange::SetPush,
        "/api/dd_risk_mnr/activeDdRiskCallCallbackUrl" => Exchange::Activate,
        "/api/dd_risk_mnr/listDdRiskLatestOrderNo" => Exchange::ListOrders,
        "/api/dd_risk_mnr/getDdRiskDownloadUrl" => Exchange::Locate,
        _ => return None,
    })
}

/// The status a fault answers with, where it is about a status.
pub(super) fn status_of(fault: Fault) -> Option<i64> {
    Some(match fault {
        Fault::Status106 => 106,
        Fault::Status107 => 107,
        Fault::Status109 => 109,
        Fault::Status199 => 199,
        Fault::Status203 => 203,
        Fault::Status500 => 500,
        Fault::UnknownStatus299 => 299,
        Fault::ListEmpty => NO_RESULT,
        _ => return None,
    })
}

/// How a fault writes times, where it is about times.
fn dates_of(fault: Fault) -> Option<DateForm> {
    Some(match fault {
        Fault::DatesWithFraction => DateForm::Fraction,
        Fault::DatesIso => DateForm::Iso,
        Fault::DatesEpochMillis => DateForm::EpochMillis,
        Fault::DatesWithOffset => DateForm::Offset,
        _ => return None,
    })
}

const OK: i64 = 200;
const NO_RESULT: i64 = 201;
const BAD_PARAMETER: i64 = 202;
const NOT_READY: i64 = 205;
const UNKNOWN_KEY: i64 = 101;
const ADDRESS_OR_SIGNATURE: i64 = 107;
const WRONG_METHOD: i64 = 118;

const FOUND: &str = "【有效请求】查询成功";

/// What a call comes to: a message and a payload, or a status that refuses.
type Verdict = Result<(&'static str, Payload), i64>;

impl Vendor {
    pub(super) fn call(
        &mut self,
        exchange: Exchange,
        request: &Request<Bytes>,
        fault: Option<Fault>,
        now: Timestamp,
    ) -> Outcome {
        let order = parameter(request, "orderNo").unwrap_or_default();
        let verdict = match self.check(request, now) {
            Err(status) => Err(status),
            Ok(()) => match exchange {
                Exchange::SetPush => self.set_push(request),
                Exchange::Activate => {
                    self.caller.activate();
                    Ok(("激活成功", Payload::Null))
                }
                Exchange::ListOrders => self.list(fault),
                _ => self.locate(&order, fault, now),
            },
        };
        let dialect = match fault.and_then(dates_of) {
            Some(dates) => WireDialect { dates, ..self.config.wire.clone() },
            None => self.config.wire.clone(),
        };
        let (status, body) = match verdict {
            Ok((message, payload)) => (OK, wire::envelope(&dialect, OK, message, &payload)),
            Err(status) => (status, wire::refusal(&self.config.wire, status)),
        };
        let half = body.len() / 2;
        let mut reply = Reply::new(StatusCode::OK, wire::JSON, body);
        if fault == Some(Fault::TruncatedAnswer) {
            reply = reply.with_conduct(Conduct::Truncate { after: half });
        }
        let order = self.order(&order).map(|(_, order)| order.no.clone());
        Outcome { reply, order, status: Some(status) }
    }

    /// Method, key, address, signature and clock, in this order.
    fn check(&self, request: &Request<Bytes>, now: Timestamp) -> Result<(), i64> {
        if request.method() != Method::GET {
            return Err(WRONG_METHOD);
        }
        if parameter(request, "key").as_deref() != Some(self.config.account.key()) {
            return Err(UNKNOWN_KEY);
        }
        let (Some(timespan), Some(token)) = (header(request, "Timespan"), header(request, "Token"))
        else {
            return Err(ADDRESS_OR_SIGNATURE);
        };
        let signed = self.config.account.credentials().verify(timespan, token);
        let fresh = self.is_fresh(timespan, now);
        if self.config.address_allowed && signed && fresh {
            Ok(())
        } else {
            Err(ADDRESS_OR_SIGNATURE)
        }
    }

    fn is_fresh(&self, timespan: &str, now: Timestamp) -> bool {
        if !timespan.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        let Ok(said) = timespan.parse::<i64>() else {
            return false;
        };
        let clock = self.clock(now).as_second();
        self.config.timespan_tolerance.is_none_or(|limit| clock.abs_diff(said) <= limit.as_secs())
    }

    fn set_push(&mut self, request: &Request<Bytes>) -> Verdict {
        let enabled = match parameter(request, "enablePush").as_deref() {
            Some("A") => true,
            Some("I") => false,
            _ => return Err(BAD_PARAMETER),
        };
        let url = parameter(request, "callbackUrl").filter(|url| is_web_url(url));
        let url = url.ok_or(BAD_PARAMETER)?;
        let window = match parameter(request, "pushPeriodTime").as_deref() {
            None | Some("") => None,
            Some(text) => {
                let hour = ["9", "11", "13", "15", "17", "19"].iter().find(|known| **known == text);
                Some(hour.and_then(|hour| hour.parse().ok()).ok_or(BAD_PARAMETER)?)
            }
        };
        self.caller.set(Setting { enabled, url: url.clone(), window });
        Ok(("查询成功", Payload::Object(vec![("callbackUrl", url)])))
    }

    fn list(&mut self, fault: Option<Fault>) -> Verdict {
        let lagging = match fault {
            Some(Fault::ListLags) => 1 + self.below(3),
            _ => 0,
        };
        let arrives = !matches!(fault, Some(Fault::ResetAfter | Fault::TruncatedAnswer));
        let skipped = self.orders.len().saturating_sub(self.config.window);
        let shown = self.orders.len().saturating_sub(skipped).saturating_sub(lagging);
        let mut lines: Vec<wire::Fields> = Vec::with_capacity(shown);
        // A line that cannot be read names no order.
        let unread = match fault {
            Some(Fault::ListUnreadableNumber) => 1,
            Some(Fault::ListUnreadableNumbers) => shown,
            _ => 0,
        };
        let order_of = self.orders.iter_mut().skip(skipped).take(shown);
        for (at, order) in order_of.enumerate() {
            order.listed |= arrives && at + unread < shown;
            lines.push(list_line(order, fault));
        }
        if lines.is_empty() {
            return Err(NO_RESULT);
        }
        lines.reverse();
        match fault {
            Some(Fault::DuplicateOrderInList) => {
                let repeated: Vec<_> = lines.iter().take(2).cloned().collect();
                lines.extend(repeated);
            }
            Some(Fault::ListOutOfOrder) => lines.shuffle(&mut self.noise),
            Some(Fault::ListJunkLine) => {
                lines.insert(0, vec![("orderNo", "../../订单".to_owned())]);
            }
            Some(Fault::ListUnreadableNumber) => lines.iter_mut().take(1).for_each(unreadable),
            Some(Fault::ListUnreadableNumbers) => lines.iter_mut().for_each(unreadable),
            _ => {}
        }
        Ok((FOUND, Payload::List(lines)))
    }

    fn locate(&mut self, asked: &str, fault: Option<Fault>, now: Timestamp) -> Verdict {
        if asked.is_empty() {
            return Err(BAD_PARAMETER);
        }
        let (index, _) = self.order(asked).ok_or(NO_RESULT)?;
        let preparing = later(now, self.config.preparing_for);
        let late = later(now, self.config.replica_late_by);
        if let Some(order) = self.orders.get_mut(index) {
            if fault == Some(Fault::Status205) {
                order.preparing_until = Some(preparing);
            }
            if fault == Some(Fault::LateReplica) {
                order.unknown_until.get_or_insert(late);
            }
            if order.unknown_until.is_some_and(|until| now < until) {
                return Err(NO_RESULT);
            }
            if order.preparing_until.is_some_and(|until| now < until) {
                return Err(NOT_READY);
            }
        }
        let index = match fault {
            Some(Fault::OtherOrder) if index > 0 => index - 1,
            Some(Fault::OtherOrder) if self.orders.len() > 1 => index + 1,
            _ => index,
        };
        let lifetime = match fault {
            Some(Fault::ShortLink) => SignedDuration::from_secs(20),
            _ => self.config.link_lifetime.try_into().unwrap_or(SignedDuration::MAX),
        };
        let expires = ShanghaiTime::from_timestamp(later(now, lifetime));
        let order = self.orders.get(index).ok_or(NO_RESULT)?;
        let base = match fault {
            Some(Fault::ForeignLink) => "http://qcc-files.invalid",
            _ => &self.config.files_base,
        };
        let password = match fault {
            Some(Fault::WrongPassword) => {
                seed::hex(&mut seed::derive(self.config.seed, "wrong", order.index_of()), 20)
            }
            _ => order.password.clone(),
        };
        let link = format!("{base}{}", files::link(order, self.config.seed, expires));
        let link = match fault {
            Some(Fault::LinkWithBlanks) => format!("\n{link} "),
            _ => link,
        };
        Ok((
            FOUND,
            Payload::Object(vec![
                ("orderNo", order.no.to_string()),
                ("downloadUrl", link),
                ("downloadUrlExpiredTime", expires.to_string()),
                ("unzipPassword", password),
            ]),
        ))
    }
}

/// A line of the list, in the manner that a fault asks for.
fn list_line(order: &Order, fault: Option<Fault>) -> wire::Fields {
    let (no, created) = (order.no.to_string(), order.created.to_string());
    match fault {
        Some(Fault::ListPaddedNumbers) => {
            vec![("orderNo", format!(" {no} ")), ("createDate", created)]
        }
        Some(Fault::ListUpperNames) => vec![("OrderNo", no), ("CreateDate", created)],
        Some(Fault::ListSnakeNames) => vec![("order_no", no), ("create_date", created)],
        _ => vec![("orderNo", no), ("createDate", created)],
    }
}

/// Spells a line's number as none is spelt.
fn unreadable(line: &mut wire::Fields) {
    for (_, number) in line.iter_mut().take(1) {
        *number = number.replacen("DDMON", "DD/MON/", 1);
    }
}

fn is_web_url(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.contains(' '))
}
