//! Finds the end of any JSON value, checking its syntax as it goes.
//!
//! Resumes at any byte and keeps one bit per open bracket, so a string of a
//! gibibyte or a hundred thousand levels cost neither memory nor stack.

use super::scan::{self, Escape};

/// The state between two pieces of one value.
#[derive(Debug)]
pub(super) struct Skipper {
    state: State,
    open: Brackets,
    depth_limit: usize,
    has_nul: bool,
    has_half: bool,
}

/// How far a piece went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The value ended after this many bytes of the piece.
    Done(usize),
    /// The value goes on. This many bytes are used; pass the rest again.
    Short(usize),
}

/// Why a value was not followed to its end, and at which byte of the piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stuck {
    Syntax(usize, &'static str),
    /// A bare control character in a string. If it replaces a byte that is not
    /// UTF-8, the caller may skip it and continue.
    Control(usize),
    TooDeep(usize),
}

#[derive(Debug, Clone, Copy)]
enum State {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    After,
    String,
    KeyString,
    Literal(&'static [u8]),
    Number(Number),
}

/// What of a number has been read.
#[derive(Debug, Clone, Copy)]
enum Number {
    Minus,
    Zero,
    Digits,
    Point,
    Fraction,
    E,
    ESign,
    EDigits,
}

impl Skipper {
    pub(super) fn new() -> Self {
        Self {
            state: State::Value,
            open: Brackets::default(),
            depth_limit: 0,
            has_nul: false,
            has_half: false,
        }
    }

    /// Starts over, for a value of at most `depth_limit` levels of brackets.
    pub(super) fn restart(&mut self, depth_limit: usize) {
        self.state = State::Value;
        self.open.clear();
        self.depth_limit = depth_limit;
        self.has_nul = false;
        self.has_half = false;
    }

    /// Whether a string of the value so far spelled U+0000.
    pub(super) fn has_nul(&self) -> bool {
        self.has_nul
    }

    /// Whether a string of the value so far spelled half a surrogate pair.
    pub(super) fn has_half(&self) -> bool {
        self.has_half
    }

    /// Follows the value through the next piece.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<Step, Stuck> {
        let mut at = 0;
        loop {
            let Some(&byte) = bytes.get(at) else { return Ok(Step::Short(at)) };
            match self.state {
                State::String | State::KeyString => {
                    at = scan::plain(bytes, at);
                    match bytes.get(at) {
                        None => return Ok(Step::Short(at)),
                        Some(b'"') => {
                            at += 1;
                            if matches!(self.state, State::KeyString) {
                                self.state = State::Colon;
                            } else if self.end_value() {
                                return Ok(Step::Done(at));
                            }
                        }
                        Some(b'\\') => match scan::escape(bytes.get(at..).unwrap_or_default()) {
                            Escape::Char(c, spelled) => {
                                self.has_nul |= c == '\0';
                                at += spelled;
                            }
                            Escape::Half(spelled) => {
                                self.has_half = true;
                                at += spelled;
                            }
                            Escape::Short => return Ok(Step::Short(at)),
                            Escape::Bad => return Err(Stuck::Syntax(at, "no such escape")),
                        },
                        Some(_) => return Err(Stuck::Control(at)),
                    }
                }
                State::Number(number) => match number.then(byte) {
                    Some(next) => {
                        self.state = State::Number(next);
                        at += 1;
                    }
                    None if !number.may_end() => return Err(Stuck::Syntax(at, "not a number")),
                    None if self.end_value() => return Ok(Step::Done(at)),
                    None => {}
                },
                State::Literal(rest) => match rest.split_first() {
                    Some((&wanted, rest)) if wanted == byte => {
                        at += 1;
                        self.state = State::Literal(rest);
                        if rest.is_empty() && self.end_value() {
                            return Ok(Step::Done(at));
                        }
                    }
                    _ => return Err(Stuck::Syntax(at, "no such literal")),
                },
                _ if scan::is_space(byte) => at += 1,
                _ => {
                    if self.token(byte, at)? {
                        return Ok(Step::Done(at + 1));
                    }
                    at += 1;
                }
            }
        }
    }

    /// Takes one structural byte; `true` if it ends the value.
    fn token(&mut self, byte: u8, at: usize) -> Result<bool, Stuck> {
        let unexpected = |what| Err(Stuck::Syntax(at, what));
        self.state = match (self.state, byte) {
            (State::ValueOrEnd, b']') | (State::KeyOrEnd, b'}') => return Ok(self.close()),
            (State::Key | State::KeyOrEnd, b'"') => State::KeyString,
            (State::Key | State::KeyOrEnd, _) => return unexpected("a key was expected"),
            (State::Colon, b':') => State::Value,
            (State::Colon, _) => return unexpected("':' was expected"),
            (State::After, b',') if self.open.innermost_is_object() => State::Key,
            (State::After, b',') => State::Value,
            (State::After, b'}') if self.open.innermost_is_object() => return Ok(self.close()),
            (State::After, b']') if !self.open.innermost_is_object() => return Ok(self.close()),
            (State::After, _) => return unexpected("',' or a closing bracket was expected"),
            (_, b'"') => State::String,
            (_, b'{' | b'[') => {
                if self.open.depth() >= self.depth_limit {
                    return Err(Stuck::TooDeep(at));
                }
                self.open.push(byte == b'{');
                if byte == b'{' { State::KeyOrEnd } else { State::ValueOrEnd }
            }
            (_, b'-') => State::Number(Number::Minus),
            (_, b'0') => State::Number(Number::Zero),
            (_, b'1'..=b'9') => State::Number(Number::Digits),
            (_, b't') => State::Literal(b"rue"),
            (_, b'f') => State::Literal(b"alse"),
            (_, b'n') => State::Literal(b"ull"),
            _ => return unexpected("a value was expected"),
        };
        Ok(false)
    }

    fn close(&mut self) -> bool {
        self.open.pop();
        self.end_value()
    }

    fn end_value(&mut self) -> bool {
        self.state = State::After;
        self.open.depth() == 0
    }
}

impl Number {
    fn then(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus, b'1'..=b'9') | (Self::Digits, b'0'..=b'9') => Self::Digits,
            (Self::Zero | Self::Digits, b'.') => Self::Point,
            (Self::Point | Self::Fraction, b'0'..=b'9') => Self::Fraction,
            (Self::Zero | Self::Digits | Self::Fraction, b'e' | b'E') => Self::E,
            (Self::E, b'+' | b'-') => Self::ESign,
            (Self::E | Self::ESign | Self::EDigits, b'0'..=b'9') => Self::EDigits,
            _ => return None,
        })
    }

    fn may_end(self) -> bool {
        matches!(self, Self::Zero | Self::Digits | Self::Fraction | Self::EDigits)
    }
}

/// The open brackets, one bit each: set for `{`.
#[derive(Debug, Default)]
struct Brackets {
    full: Vec<u64>,
    last: u64,
    depth: usize,
}

impl Brackets {
    fn depth(&self) -> usize {
        self.depth
    }

    fn clear(&mut self) {
        self.full.clear();
        self.depth = 0;
    }

    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth % 64 == 0 {
            self.full.push(self.last);
        }
        self.last = self.last << 1 | u64::from(object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.last >>= 1;
        if self.depth % 64 == 0 {
            self.last = self.full.pop().unwrap_or(self.last);
        }
    }

    fn innermost_is_object(&self) -> bool {
        self.last & 1 == 1
    }
}

#[cfg(test)]
mod tests;
