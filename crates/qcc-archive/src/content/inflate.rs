//! Decompression: one Deflate stream, or stored bytes.

use flate2::{Decompress, FlushDecompress, Status};

use crate::{Error, ErrorKind, Options, entry::METHOD_STORED};

/// Turns packed bytes into content, a piece at a time.
pub(crate) enum Unpacker {
    Deflate(Decompress),
    Stored(Option<StreamProbe>),
}

/// The outcome of one step.
pub(crate) struct Step {
    pub(crate) consumed: usize,
    pub(crate) produced: usize,
    /// The content is complete; any packed bytes left over are an error.
    pub(crate) ended: bool,
}

impl Unpacker {
    pub(crate) fn new(method: u16, packed_len: u64, options: &Options) -> Self {
        if method == METHOD_STORED {
            let detects = !options.disguised_deflate && packed_len >= StreamProbe::SHORTEST;
            Self::Stored(detects.then(|| StreamProbe::new(packed_len, options)))
        } else {
            Self::Deflate(Decompress::new(false))
        }
    }

    /// Takes from `packed`, which is empty only at the end, and fills `out`.
    pub(crate) fn step(&mut self, packed: &[u8], out: &mut [u8]) -> Result<Step, Error> {
        match self {
            Self::Deflate(stream) => inflate(stream, packed, out),
            Self::Stored(probe) => store(probe, packed, out),
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
        // The output had room, so input is missing: the stream is incomplete.
        return Err(ErrorKind::Inflate.into());
    }
    Ok(step)
}

fn store(probe: &mut Option<StreamProbe>, packed: &[u8], out: &mut [u8]) -> Result<Step, Error> {
    if packed.is_empty() {
        if probe.as_ref().is_some_and(|probe| probe.ended) {
            return Err(ErrorKind::DisguisedDeflate.into());
        }
        return Ok(Step { consumed: 0, produced: 0, ended: true });
    }
    let len = packed.len().min(out.len());
    let ((taken, _), (room, _)) = (packed.split_at(len), out.split_at_mut(len));
    room.copy_from_slice(taken);
    if probe.as_mut().is_some_and(|probe| !probe.accepts(taken)) {
        *probe = None;
    }
    Ok(Step { consumed: len, produced: len, ended: false })
}

/// Decompresses stored bytes on the side to detect a Deflate stream among them.
///
/// The MAC does not cover the method. Someone who changes Deflate to stored, and
/// the size to fit, makes readers hand out compressed bytes as content. Text fails
/// to decompress after a few bytes; bytes that are one complete stream were
/// compressed.
pub(crate) struct StreamProbe {
    stream: Decompress,
    scratch: Vec<u8>,
    left: u64,
    ended: bool,
}

impl StreamProbe {
    /// Shorter content may be a valid stream by chance.
    const SHORTEST: u64 = 64;
    const SCRATCH_LEN: usize = 32 * 1024;

    fn new(packed_len: u64, options: &Options) -> Self {
        Self {
            stream: Decompress::new(false),
            scratch: vec![0; Self::SCRATCH_LEN],
            // No more work than decompressing the entry as Deflate would be.
            left: options.largest_content(packed_len),
            ended: false,
        }
    }

    /// Whether all bytes so far can be a Deflate stream.
    #[expect(
        clippy::indexing_slicing,
        reason = "a step consumes at most what it was given; the rest must be examined"
    )]
    fn accepts(&mut self, mut bytes: &[u8]) -> bool {
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
