//! Deflate as `miniz_oxide` reads it; ours is `zlib-rs`.

use miniz_oxide::inflate::{
    TINFLStatus,
    core::{DecompressorOxide, decompress, inflate_flags},
};

/// What became of some packed bytes.
pub(crate) struct Inflated {
    /// As much as came out, within the limit.
    pub(crate) content: Vec<u8>,
    /// The stream came to its end, there were no bytes behind it, and the
    /// content was within the limit.
    pub(crate) is_whole: bool,
}

/// Inflates one raw Deflate stream into at most `limit` bytes.
pub(crate) fn inflated(packed: &[u8], limit: usize) -> Inflated {
    let mut content = vec![0; limit];
    let flags = inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let (status, consumed, produced) =
        decompress(&mut DecompressorOxide::new(), packed, &mut content, 0, flags);
    content.truncate(produced);
    let is_whole = status == TINFLStatus::Done && consumed == packed.len();
    Inflated { content, is_whole }
}
