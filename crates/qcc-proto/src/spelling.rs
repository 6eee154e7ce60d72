//! Names of fields in other spellings than the manual's.

/// Whether a key is this name, whatever its casing, and with or without
/// underscores and hyphens: `OrderNo`, `ORDERNO` and `order_no` are `orderNo`.
pub(crate) fn is_spelling_of(key: &str, name: &str) -> bool {
    let mut letters = key.bytes().filter(|b| !matches!(b, b'_' | b'-'));
    let same = |wanted: u8| letters.next().is_some_and(|b| b.eq_ignore_ascii_case(&wanted));
    name.bytes().all(same) && letters.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_in_any_casing_and_with_underscores() {
        for key in ["orderNo", "OrderNo", "ORDERNO", "order_no", "ORDER_NO", "order-no", "orderno"]
        {
            assert!(is_spelling_of(key, "orderNo"), "{key}");
        }
        for key in ["", "order", "orderNos", "orderNumber", "order no", "no", "orderN\u{f6}", "_"] {
            assert!(!is_spelling_of(key, "orderNo"), "{key}");
        }
    }
}
