//! Times of any spelling.
//!
//! A text is taken where its outline, digits aside, is one that the
//! documentation lists, and its instant is what the calendar's arithmetic, done
//! once more, makes of its numbers. What was read prints as a time that both
//! readers take for the same instant; blanks around a text change nothing; and
//! in an answer, a callback and a document it is the same time.

use qcc_proto::{Call, CallbackQuery, DocumentHeader, Locate, ReaderLimits, ShanghaiTime};
use serde_json::{Value, json};

const SHANGHAI: i64 = 8 * 3600;

/// From the year 2000 to the year 2099, in Shanghai.
const PLAUSIBLE: std::ops::Range<i64> = 946_656_000..4_102_416_000;

/// Checks one input: a text, and the same as a JSON value where it is one.
pub fn check(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else { return };
    let read = ShanghaiTime::from_wire(text).ok();
    assert_eq!(read.map(|at| at.timestamp().as_second()), by_the_book(text), "{text:?}");
    if text.len() < 40 {
        let padded = format!(" \n{text}\u{3000}\t");
        assert_eq!(ShanghaiTime::from_wire(&padded).ok(), read, "{padded:?}");
    }
    if let Some(at) = read {
        let printed = at.to_string();
        assert_eq!(printed.parse::<ShanghaiTime>().ok(), Some(at));
        assert_eq!(ShanghaiTime::from_wire(&printed).ok(), Some(at));
    }
    if let Ok(strict) = text.parse::<ShanghaiTime>() {
        let is_plausible = PLAUSIBLE.contains(&strict.timestamp().as_second());
        assert_eq!(read, is_plausible.then_some(strict), "{text:?}");
    }
    let as_text = json!(text).to_string();
    if as_text.len() < 250 {
        assert_eq!(of_answer(&as_text), read);
        assert_eq!(of_document(&as_text), read);
        assert_eq!(of_callback(text), read.filter(|_| !text.contains(char::is_control)));
    }
    if text.len() < 250 && serde_json::from_str::<Value>(text).is_ok_and(|v| !v.is_object()) {
        assert_eq!(of_answer(text), of_document(text), "{text}");
    }
}

fn of_answer(value: &str) -> Option<ShanghaiTime> {
    let body = format!(
        r#"{{"status":200,"downloadUrl":"http://h/x","unzipPassword":"p","downloadUrlExpiredTime":{value}}}"#
    );
    let answer = Locate::read_answer(body.as_bytes()).expect("an answer");
    answer.payload.expect("a location").stated_expiry
}

fn of_document(value: &str) -> Option<ShanghaiTime> {
    let document = format!(r#"{{"pushDate":{value},"totalSize":0,"result":[]}}"#);
    let header = DocumentHeader::read(document.as_bytes(), ReaderLimits::default());
    header.ok().map(|header| header.push_date)
}

fn of_callback(text: &str) -> Option<ShanghaiTime> {
    let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let query =
        format!("key=k&orderNo=A1&downloadUrl=l&unzipPassword=p&downloadUrlExpiredTime={escaped}");
    CallbackQuery::parse(query).ok()?.location.stated_expiry
}

/// The second that a text names.
fn by_the_book(text: &str) -> Option<i64> {
    // The outline writes `#` for a number; no time has one of its own.
    if text.len() > 64 || text.contains('#') {
        return None;
    }
    let (outline, numbers) = outline(text.trim());
    let second = match outline.as_str() {
        "#" => lone(&numbers[0])?,
        "#.#" if (9..=13).contains(&numbers[0].len()) && is_fraction(&numbers[1]) => {
            let seconds = number(&numbers[0])?;
            (seconds < PLAUSIBLE.end).then_some(seconds)?
        }
        "/Date(#)/" => number(&numbers[0]).filter(|_| is_milli(&numbers[0]))? / 1000,
        "/Date(#+#)/" | "/Date(#-#)/" if numbers[1].len() == 4 => {
            number(&numbers[0]).filter(|_| is_milli(&numbers[0]))? / 1000
        }
        _ => calendar(&outline, &numbers)?,
    };
    PLAUSIBLE.contains(&second).then_some(second)
}

/// Fourteen digits are a calendar's; thirteen and fewer count from 1970.
fn lone(digits: &str) -> Option<i64> {
    if digits.len() == 14 {
        let part = |from: usize, len: usize| number(&digits[from..from + len]);
        let date = [part(0, 4)?, part(4, 2)?, part(6, 2)?];
        return seconds(date, [part(8, 2)?, part(10, 2)?, part(12, 2)?]).map(|s| s - SHANGHAI);
    }
    (9..=13).contains(&digits.len()).then_some(())?;
    let count = number(digits)?;
    Some(if count < PLAUSIBLE.end { count } else { count / 1000 })
}

fn is_milli(digits: &str) -> bool {
    (12..=13).contains(&digits.len())
}

fn is_fraction(digits: &str) -> bool {
    (1..=9).contains(&digits.len())
}

/// A date and a time of day, in any of the outlines that are listed.
fn calendar(outline: &str, numbers: &[String]) -> Option<i64> {
    let outline = outline.strip_suffix("[Asia/Shanghai]").unwrap_or(outline);
    let rest = outline.strip_prefix("#-#-#").or_else(|| outline.strip_prefix("#/#/#"))?;
    let rest = match rest.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None => {
            let trimmed = rest.trim_start();
            (trimmed.len() < rest.len()).then_some(trimmed)?
        }
    };
    let (clock, count) = [("#:#:#.#", 4), ("#:#:#,#", 4), ("#:#:#", 3), ("#:#", 2)]
        .into_iter()
        .find(|(clock, _)| rest.starts_with(clock))?;
    let zone = rest[clock.len()..].trim_start();
    let (date, rest) = numbers.split_at(3);
    let (clock, zone_numbers) = rest.split_at(count);
    let small = |digits: &String| (1..=2).contains(&digits.len());
    let two = |digits: &String| digits.len() == 2;
    let is_shaped = date[0].len() == 4
        && date[1..].iter().all(small)
        && small(&clock[0])
        && clock[1..].iter().take(2).all(two)
        && clock.get(3).is_none_or(|digits| is_fraction(digits));
    is_shaped.then_some(())?;
    let offset = match zone {
        "" => SHANGHAI,
        "Z" | "z" | "UTC" | "GMT" => 0,
        "+#" | "+#:#" => offset(zone_numbers)?,
        "-#" | "-#:#" => -offset(zone_numbers)?,
        _ => return None,
    };
    let part = |parts: &[String], at: usize| parts.get(at).map_or(Some(0), |text| number(text));
    let second = if count > 2 { part(clock, 2)? } else { 0 };
    let date = [part(date, 0)?, part(date, 1)?, part(date, 2)?];
    Some(seconds(date, [part(clock, 0)?, part(clock, 1)?, second])? - offset)
}

/// `08`, `0800` or `08` and `00`, in seconds.
fn offset(numbers: &[String]) -> Option<i64> {
    let (hours, minutes) = match numbers {
        [both] if both.len() == 4 => (number(&both[..2])?, number(&both[2..])?),
        [hours] if hours.len() == 2 => (number(hours)?, 0),
        [hours, minutes] if hours.len() == 2 && minutes.len() == 2 => {
            (number(hours)?, number(minutes)?)
        }
        _ => return None,
    };
    (hours <= 14 && minutes <= 59).then_some(hours * 3600 + minutes * 60)
}

/// Seconds from 1970 to a date and time of day, as if both were UTC.
fn seconds([year, month, day]: [i64; 3], [hour, minute, second]: [i64; 3]) -> Option<i64> {
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if is_leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let index = usize::try_from(month - 1).ok()?;
    let is_there = (1..=*lengths.get(index)?).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..60).contains(&second);
    is_there.then_some(())?;
    let years: i64 = if year < 1970 {
        (year..1970).map(|year| -365 - i64::from(is_leap(year))).sum()
    } else {
        (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum()
    };
    let days = years + lengths[..index].iter().sum::<i64>() + day - 1;
    Some(days * 86_400 + hour * 3600 + minute * 60 + second)
}

fn number(digits: &str) -> Option<i64> {
    digits.parse().ok()
}

/// A text with each run of digits as `#`, and the runs.
fn outline(text: &str) -> (String, Vec<String>) {
    let (mut outline, mut numbers) = (String::new(), Vec::<String>::new());
    let mut in_number = false;
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            if !in_number {
                outline.push('#');
                numbers.push(String::new());
            }
            numbers.last_mut().expect("one was just begun").push(letter);
        } else {
            outline.push(letter);
        }
        in_number = letter.is_ascii_digit();
    }
    (outline, numbers)
}
