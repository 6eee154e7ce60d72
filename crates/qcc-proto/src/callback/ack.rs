//! Our answer to the vendor's call, to the byte.

use std::borrow::Cow;

use crate::Status;

/// What we answer to a callback.
///
/// The vendor counts any other answer as an error and stops calling after five
/// in a row (6.2.2), so the body is fixed here and nowhere else.
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

    /// The order is safe with us.
    pub const fn accepted() -> Self {
        Self { status: Status::OK, message: Cow::Borrowed("成功"), form: StatusForm::Text }
    }

    /// It is not: the vendor may count this as one of its five errors.
    pub fn refused(status: Status, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into(), form: StatusForm::Text }
    }

    /// The same with the status in another form.
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
