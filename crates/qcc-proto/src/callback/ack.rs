//! Our answer to a callback, byte for byte.

use std::borrow::Cow;

use crate::Status;

/// Our answer to a callback.
///
/// The vendor counts any other answer as an error, and stops calling after five
/// errors in a row (6.2.2).
///
/// ```
/// use qcc_proto::{Acknowledgement, Status, StatusForm};
///
/// assert_eq!(Acknowledgement::accepted().body(), r#"{"status":"200","msg":"成功"}"#);
/// let refused = Acknowledgement::refused(Status::UNKNOWN_ERROR, "try again later");
/// assert_eq!(
///     refused.with_form(StatusForm::Integer).body(),
///     r#"{"status":199,"msg":"try again later"}"#,
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acknowledgement {
    status: Status,
    message: Cow<'static, str>,
    form: StatusForm,
}

/// How the status is written.
///
/// The manual's table types it as a number, its sample shows text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum StatusForm {
    /// `"status":"200"`, as in the manual's sample.
    #[default]
    Text,
    /// `"status":200`, as in its table.
    Integer,
}

impl Acknowledgement {
    /// The `Content-Type` that goes with the body.
    pub const CONTENT_TYPE: &'static str = "application/json; charset=utf-8";

    /// The order number is stored.
    pub const fn accepted() -> Self {
        Self { status: Status::OK, message: Cow::Borrowed("成功"), form: StatusForm::Text }
    }

    /// The callback was refused. The vendor may count this as an error.
    pub fn refused(status: Status, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), form: StatusForm::Text }
    }

    /// The same answer with the status written in this form.
    #[must_use]
    pub const fn with_form(mut self, form: StatusForm) -> Self {
        self.form = form;
        self
    }

    /// The status in the body.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// The JSON body.
    pub fn body(&self) -> String {
        let quote = match self.form {
            StatusForm::Text => "\"",
            StatusForm::Integer => "",
        };
        let message = serde_json::Value::from(self.message.as_ref());
        format!(r#"{{"status":{quote}{}{quote},"msg":{message}}}"#, self.status)
    }
}
