//! The pure core: a query in, an order number or a refusal out.

use qcc_proto::{Acknowledgement, CallbackError, CallbackQuery, OrderNo, StatusForm};
use qcc_sign::AppKey;

use crate::Rejection;

/// Reads the vendor's call (6.2.2) and knows the answer to it.
///
/// No clock, no network, no store. The link and the password that a call brings
/// are checked for shape and dropped: whoever knows the key may have made them
/// up. The signed call 6.2.5 has the true ones.
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

/// A call that was made with our key.
///
/// A hint that the order exists, not a proof: the key stands in every URL.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Callback {
    /// The order it is about.
    pub order_no: OrderNo,
}

impl Receiver {
    /// Receives calls for the account with this key.
    pub fn new(key: AppKey) -> Self {
        Self { key, form: StatusForm::default() }
    }

    /// Writes the status of answers in another form.
    #[must_use]
    pub fn with_status_form(self, form: StatusForm) -> Self {
        Self { form, ..self }
    }

    /// Judges a raw query: what stands after the `?`, not decoded yet.
    ///
    /// In this order: its length, its encoding and parameters, the key in
    /// constant time, the order number.
    ///
    /// # Errors
    /// [`Rejection::Query`] and [`Rejection::Key`].
    pub fn receive(&self, raw_query: &[u8]) -> Result<Callback, Rejection> {
        let query = CallbackQuery::parse_where(raw_query, |key| self.key.matches(key.reveal()))
            .map_err(|error| match error {
                CallbackError::Key => Rejection::Key,
                error => Rejection::Query(error),
            })?;
        Ok(Callback { order_no: query.order_no })
    }

    /// Whether a raw query holds our key, whatever else is wrong with it: then it
    /// may have been the vendor that was refused.
    pub fn has_key(&self, raw_query: &[u8]) -> bool {
        CallbackQuery::presented_key(raw_query).is_some_and(|key| self.key.matches(key.reveal()))
    }

    /// The answer once the order number is durable.
    pub fn accepted(&self) -> Acknowledgement {
        Acknowledgement::accepted().with_form(self.form)
    }

    /// The answer to what is refused.
    pub fn refused(&self, rejection: &Rejection) -> Acknowledgement {
        rejection.acknowledgement().with_form(self.form)
    }
}
