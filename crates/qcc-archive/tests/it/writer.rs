//! Archives that the `zip` crate writes, and that say something false where a
//! test needs it.

use std::io::{self, Cursor, Write};

use flate2::{Compression, write::DeflateEncoder};
use zip::{AesSalt, CompressionMethod, ZipWriter, write::SimpleFileOptions};

use crate::fixtures::{NAME, PASSWORD};

/// An archive of one entry; the headers say what the fields say.
pub(crate) struct Entry {
    /// What is encrypted.
    pub(crate) packed: Vec<u8>,
    pub(crate) size: u32,
    pub(crate) method: u16,
    /// The CRC of AE-1; without one it is AE-2.
    pub(crate) crc32: Option<u32>,
}

impl Entry {
    pub(crate) fn deflated(content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        Self { packed, size: content.len() as u32, method: 8, crc32: None }
    }

    pub(crate) fn stored(content: &[u8]) -> Self {
        Self { packed: content.to_vec(), size: content.len() as u32, method: 0, crc32: None }
    }

    /// `len` zeros, compressed without ever being in memory.
    pub(crate) fn zeros(len: u64) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        io::copy(&mut io::Read::take(io::repeat(0), len), &mut encoder).unwrap();
        let packed = encoder.finish().unwrap();
        Self { packed, size: len as u32, method: 8, crc32: None }
    }

    /// Writes the packed bytes as a stored entry, then changes both headers.
    pub(crate) fn archive(self) -> Vec<u8> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .with_aes_encryption_and_salt(PASSWORD, AesSalt::Aes256(*b"salt of a test!!"));
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file(NAME, options).unwrap();
        zip.write_all(&self.packed).unwrap();
        let mut bytes = zip.finish().unwrap().into_inner();
        let directory = bytes.windows(4).rposition(|window| window == b"PK\x01\x02").unwrap();
        self.change_header(&mut bytes[..30 + NAME.len() + 11], 14, 30);
        self.change_header(&mut bytes[directory..], 16, 46);
        bytes
    }

    fn change_header(&self, header: &mut [u8], crc_at: usize, name_at: usize) {
        header[crc_at..crc_at + 4].copy_from_slice(&self.crc32.unwrap_or(0).to_le_bytes());
        header[crc_at + 8..crc_at + 12].copy_from_slice(&self.size.to_le_bytes());
        let aes = &mut header[name_at + NAME.len()..][..11];
        assert_eq!(aes[..4], [0x01, 0x99, 7, 0], "the AES field is the first extra field");
        aes[4] = if self.crc32.is_some() { 1 } else { 2 };
        aes[9..].copy_from_slice(&self.method.to_le_bytes());
    }
}

/// An archive of `count` empty, unencrypted entries.
pub(crate) fn many_entries(count: u16) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for number in 0..count {
        let name = format!("{number:05}");
        let offset = archive.len() as u32;
        let mut fixed = vec![0; 22];
        push16(&mut fixed, name.len() as u16);
        push16(&mut fixed, 0);
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&fixed);
        archive.extend_from_slice(name.as_bytes());
        directory.extend_from_slice(b"PK\x01\x02\0\0");
        directory.extend_from_slice(&fixed);
        directory.extend_from_slice(&[0; 10]);
        push32(&mut directory, offset);
        directory.extend_from_slice(name.as_bytes());
    }
    let directory_at = archive.len();
    archive.extend_from_slice(&directory);
    end(&mut archive, directory_at, count);
    archive
}

fn end(archive: &mut Vec<u8>, directory_at: usize, count: u16) {
    let size = archive.len() - directory_at;
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    push16(archive, count);
    push16(archive, count);
    push32(archive, size as u32);
    push32(archive, directory_at as u32);
    push16(archive, 0);
}

fn push16(bytes: &mut Vec<u8>, value: u16) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn push32(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

/// Text that compresses about as well as records do: every line differs.
pub(crate) fn text(len: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(len + 40);
    let mut state = 1_u64;
    while text.len() < len {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        writeln!(text, "{{\"id\":\"{state:016x}\",\"score\":82}},").unwrap();
    }
    text.truncate(len);
    text
}
