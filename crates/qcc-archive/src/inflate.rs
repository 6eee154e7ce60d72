//! Decompression: one Deflate stream, or bytes stored as they are.

use flate2::{Decompress, FlushDecompress, Status};

use crate::{Error, ErrorKind, Options, entry::METHOD_STORED};

/// Turns packed bytes into content, a piece at a time.
pub(crate) enum Unpacker {
    Deflate(Decompress),
    Stored(Option<Canary>),
}

/// What one step did.
pub(crate) struct Step {
    pub(crate) consumed: usize,
    pub(crate) produced: usize,
    /// The content is complete; packed bytes left over are too many.
    pub(crate) ended: bool,
}

impl Unpacker {
    pub(crate) fn new(method: u16, packed_len: u64, options: &Options) -> Self {
        if method == METHOD_STORED {
            Self::Stored(Canary::new(packed_len, options))
        } else {
            Self::Deflate(Decompress::new(false))
        }
    }

    /// Takes from `packed`, which is empty only at the end, and fills `out`.
    pub(crate) fn step(&mut self, packed: &[u8], out: &mut [u8]) -> Result<Step, Error> {
        match self {
            Self::Deflate(stream) => inflate(stream, packed, out),
            Self::Stored(canary) => store(canary, packed, out),
        }
    }
}

fn inflate(stream: &mut Decompress, packed: &[u8], out: &mut [u8]) -> Result<Step, Error> {
    let (taken, given) = (stream.total_in(), stream.total_out());
    let status = stream
        .decompress(packed, out, FlushDecompress::None)
        .map_err(|_| Error::new(ErrorKind::Inflate))?;
    let step = Step {
        consumed: (stream.total_in() - taken) as usize,
        produced: (stream.total_out() - given) as usize,
        ended: status == Status::StreamEnd,
    };
    if step.consumed == 0 && step.produced == 0 && !step.ended {
        // There was room, so what is missing is input: the stream breaks off.
        return Err(ErrorKind::Inflate.into());
    }
    Ok(step)
}

fn store(canary: &mut Option<Canary>, packed: &[u8], out: &mut [u8]) -> Result<Step, Error> {
    if packed.is_empty() {
        if canary.as_ref().is_some_and(|canary| canary.ended) {
            return Err(ErrorKind::DisguisedDeflate.into());
        }
        return Ok(Step { consumed: 0, produced: 0, ended: true });
    }
    let len = packed.len().min(out.len());
    let (taken, _) = packed.split_at(len);
    out.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
    if canary.as_mut().is_some_and(|canary| !canary.sings(taken)) {
        *canary = None;
    }
    Ok(Step { consumed: len, produced: len, ended: false })
}

/// Inflates stored bytes on the side, as far as they let it.
///
/// The method is outside the MAC. Whoever changes Deflate to Stored, and the
/// size to fit, makes readers hand out compressed bytes as content. Text does
/// not inflate for long; bytes that are one stream to the very end were one.
pub(crate) struct Canary {
    stream: Decompress,
    scratch: Vec<u8>,
    left: u64,
    ended: bool,
}

impl Canary {
    /// Shorter content may be a stream by chance.
    const SHORTEST: u64 = 64;
    const SCRATCH_LEN: usize = 32 * 1024;

    fn new(packed_len: u64, options: &Options) -> Option<Self> {
        (packed_len >= Self::SHORTEST).then(|| Self {
            stream: Decompress::new(false),
            scratch: vec![0; Self::SCRATCH_LEN],
            // No more work than for the stream this could have been.
            left: options.largest_content(packed_len),
            ended: false,
        })
    }

    /// Whether the bytes so far can be a Deflate stream.
    #[expect(
        clippy::indexing_slicing,
        reason = "a step consumes at most what it was given; what is left must be looked at"
    )]
    fn sings(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            if self.ended {
                return false;
            }
            let Ok(step) = inflate(&mut self.stream, bytes, &mut self.scratch) else {
                return false;
            };
            let Some(left) = self.left.checked_sub(step.produced as u64) else {
                return false;
            };
            self.left = left;
            self.ended = step.ended;
            bytes = &bytes[step.consumed..];
        }
        true
    }
}
