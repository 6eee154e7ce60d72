//! A small writer for archives that are too large, or too false, to keep.

use std::io::{self, Write};

use aes::Aes256;
use ctr::{
    Ctr128LE,
    cipher::{KeyIvInit, StreamCipher},
};
use flate2::{Compression, write::DeflateEncoder};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use crate::fixtures::{NAME, PASSWORD};

/// An archive of one entry; the fields may be set to anything.
pub(crate) struct Entry {
    pub(crate) packed: Vec<u8>,
    pub(crate) size: u32,
    pub(crate) method: u16,
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

    /// So many zeros, deflated without ever being in memory.
    pub(crate) fn zeros(len: u64) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        io::copy(&mut io::Read::take(io::repeat(0), len), &mut encoder).unwrap();
        let packed = encoder.finish().unwrap();
        Self { packed, size: len as u32, method: 8, crc32: None }
    }

    pub(crate) fn archive(self) -> Vec<u8> {
        let body = seal(self.packed);
        let version = if self.crc32.is_some() { 1 } else { 2 };
        let mut middle = Vec::new();
        for field in [1, 99, 0, 0] {
            push16(&mut middle, field);
        }
        for field in [self.crc32.unwrap_or(0), body.len() as u32, self.size] {
            push32(&mut middle, field);
        }
        push16(&mut middle, NAME.len() as u16);
        push16(&mut middle, 11);
        let mut extra = vec![0x01, 0x99, 7, 0, version, 0, b'A', b'E', 3];
        push16(&mut extra, self.method);

        let mut archive = b"PK\x03\x04\x33\0".to_vec();
        for part in [&middle, NAME.as_bytes(), &extra, &body] {
            archive.extend_from_slice(part);
        }
        let directory_at = archive.len();
        archive.extend_from_slice(b"PK\x01\x02\x33\0\x33\0");
        archive.extend_from_slice(&middle);
        archive.extend_from_slice(&[0; 14]);
        archive.extend_from_slice(NAME.as_bytes());
        archive.extend_from_slice(&extra);
        end(&mut archive, directory_at, 1);
        archive
    }
}

/// An archive of so many empty, unencrypted entries.
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

fn seal(mut packed: Vec<u8>) -> Vec<u8> {
    let salt = *b"salt of a test!!";
    let mut keys = [0; 66];
    pbkdf2::pbkdf2_hmac::<Sha1>(PASSWORD, &salt, 1000, &mut keys);
    let mut counter = [0; 16];
    counter[0] = 1;
    Ctr128LE::<Aes256>::new_from_slices(&keys[..32], &counter)
        .unwrap()
        .apply_keystream(&mut packed);
    let mut mac = Hmac::<Sha1>::new_from_slice(&keys[32..64]).unwrap();
    mac.update(&packed);
    [&salt[..], &keys[64..], &packed, &mac.finalize().into_bytes()[..10]].concat()
}

fn push16(bytes: &mut Vec<u8>, value: u16) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

fn push32(bytes: &mut Vec<u8>, value: u32) {
    bytes.extend_from_slice(&value.to_le_bytes());
}

/// Text that does not deflate to nothing: different in every line.
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
