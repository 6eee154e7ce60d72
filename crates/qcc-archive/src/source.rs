//! Where an archive's bytes come from: anything that can be read at an offset.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::{Arc, Mutex},
};

/// A known number of bytes that can be read at any offset by shared reference.
///
/// Implemented for byte slices, `Vec<u8>` and, with the feature `bytes`,
/// `bytes::Bytes`; for [`File`](std::fs::File) on Unix and Windows; for a
/// [`Mutex`] around anything that implements [`Read`] and [`Seek`], which covers
/// files on every platform; and for references, boxes and `Arc`s of all of these.
///
/// The reader does not trust the bytes to stay the same between two reads; see
/// [`Verified`](crate::Verified).
pub trait ReadAt {
    /// The number of bytes.
    ///
    /// # Errors
    /// Whatever the source reports.
    fn size(&self) -> io::Result<u64>;

    /// Fills `buf` with the bytes that start at `offset`.
    ///
    /// # Errors
    /// [`io::ErrorKind::UnexpectedEof`] if there are too few bytes; otherwise
    /// whatever the source reports.
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for [u8] {
    fn size(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let bytes = usize::try_from(offset)
            .ok()
            .and_then(|start| self.get(start..start.checked_add(buf.len())?))
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        buf.copy_from_slice(bytes);
        Ok(())
    }
}

impl ReadAt for Vec<u8> {
    fn size(&self) -> io::Result<u64> {
        self.as_slice().size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        self.as_slice().read_exact_at(buf, offset)
    }
}

#[cfg(feature = "bytes")]
impl ReadAt for bytes::Bytes {
    fn size(&self) -> io::Result<u64> {
        (**self).size()
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        (**self).read_exact_at(buf, offset)
    }
}

/// On Unix and Windows. On Windows a read moves the file's cursor.
///
/// Elsewhere, for example on WASI, use a `Mutex<File>`.
#[cfg(any(unix, windows))]
impl ReadAt for std::fs::File {
    fn size(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    #[cfg(unix)]
    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(self, buf, offset)
    }

    #[cfg(windows)]
    #[expect(clippy::indexing_slicing, reason = "a read fills at most the buffer it was given")]
    fn read_exact_at(&self, mut buf: &mut [u8], mut offset: u64) -> io::Result<()> {
        while !buf.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(self, buf, offset) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => {
                    buf = &mut buf[n..];
                    offset += n as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Seeks before each read, under the lock.
impl<R: Read + Seek> ReadAt for Mutex<R> {
    fn size(&self) -> io::Result<u64> {
        self.lock().map_err(|_| poisoned())?.seek(SeekFrom::End(0))
    }

    fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
        let mut reader = self.lock().map_err(|_| poisoned())?;
        reader.seek(SeekFrom::Start(offset))?;
        reader.read_exact(buf)
    }
}

fn poisoned() -> io::Error {
    io::Error::other("another thread panicked while it read the source")
}

macro_rules! through_a_pointer {
    ($($pointer:ty),*) => {$(
        impl<T: ReadAt + ?Sized> ReadAt for $pointer {
            fn size(&self) -> io::Result<u64> {
                (**self).size()
            }

            fn read_exact_at(&self, buf: &mut [u8], offset: u64) -> io::Result<()> {
                (**self).read_exact_at(buf, offset)
            }
        }
    )*};
}

through_a_pointer!(&T, Box<T>, Arc<T>);
