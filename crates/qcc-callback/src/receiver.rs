//! Reads the query of a callback. No I/O and no clock.

use qcc_proto::{Acknowledgement, CallbackError, CallbackQuery, OrderNo, StatusForm};
use qcc_sign::AppKey;

use crate::Rejection;

/// Reads the vendor's callback (manual section 6.2.2) and builds the answer to it.
///
/// It uses no clock, network or store. The download link and the password in a
/// callback are checked for their format and then dropped, because anyone who
/// knows the key can forge them. The signed request 6.2.5 returns the real ones.
///
/// ```
/// use qcc_callback::Receiver;
///
/// let receiver = Receiver::new("AppKey".parse()?);
/// let query = b"key=AppKey&orderNo=DDMON2021031616145803273367\
///               &downloadUrl=http%3A%2F%2Fpro-files.qichacha.com%2Fx.zip&unzipPassword=p";
/// let callback = receiver.receive(query).unwrap();
/// assert_eq!(callback.order_no.as_str(), "DDMON2021031616145803273367");
/// assert_eq!(receiver.accepted().body(), r#"{"status":"200","msg":"成功"}"#);
///
/// let refused = receiver.receive(b"key=other").unwrap_err();
/// assert_eq!(refused.http_status(), 400);
/// # Ok::<(), qcc_sign::InvalidKey>(())
/// ```
#[derive(Debug, Clone)]
pub struct Receiver {
    key: AppKey,
    form: StatusForm,
}

/// A callback that carried our key.
///
/// It suggests that the order exists but does not prove it: the key is part of
/// every URL and therefore not a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callback {
    /// The order that the callback names.
    pub order_no: OrderNo,
}

impl Receiver {
    /// A receiver for the account with this key.
    pub fn new(key: AppKey) -> Self {
        Self { key, form: StatusForm::default() }
    }

    /// Sets how the status is written in answers.
    #[must_use]
    pub fn with_status_form(self, form: StatusForm) -> Self {
        Self { form, ..self }
    }

    /// Checks a raw query: the part of the URL after `?`, still percent-encoded.
    ///
    /// Checks in this order: length, encoding and parameters, the key (in constant
    /// time), the order number.
    ///
    /// # Errors
    /// [`Rejection::Query`] or [`Rejection::Key`].
    pub fn receive(&self, raw_query: &[u8]) -> Result<Callback, Rejection> {
        let query = CallbackQuery::parse_where(raw_query, |key| self.key.matches(key.reveal()))
            .map_err(|error| match error {
                CallbackError::Key => Rejection::Key,
                error => Rejection::Query(error),
            })?;
        Ok(Callback { order_no: query.order_no })
    }

    /// Whether a raw query carries our key, even if something else is wrong with it.
    /// If it does, the refused caller may have been the vendor.
    pub fn has_key(&self, raw_query: &[u8]) -> bool {
        CallbackQuery::presented_key(raw_query).is_some_and(|key| self.key.matches(key.reveal()))
    }

    /// The answer to send once the order number is durable.
    pub fn accepted(&self) -> Acknowledgement {
        Acknowledgement::accepted().with_form(self.form)
    }

    /// The answer to a refused request.
    pub fn refused(&self, rejection: &Rejection) -> Acknowledgement {
        rejection.acknowledgement().with_form(self.form)
    }
}
