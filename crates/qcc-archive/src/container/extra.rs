//! The extra fields of a header that this crate reads: AES, zip64, Unicode Path.

use crate::{
    AesVersion, KeyStrength,
    container::fields::Fields,
    entry::{Aes, AesField},
};

const ZIP64: u16 = 0x0001;
const UNICODE_PATH: u16 = 0x7075;
const AES: u16 = 0x9901;

/// In a 32-bit field: the value is in the zip64 field.
pub(crate) const IN_ZIP64: u32 = u32::MAX;

/// What the extra fields of one header say.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extra<'a> {
    pub(crate) aes: AesField,
    pub(crate) zip64: Option<&'a [u8]>,
    /// The name a Unicode Path field gives.
    pub(crate) unicode_path: Option<&'a [u8]>,
    /// Every field is complete, and none of the three appears twice.
    pub(crate) is_sound: bool,
}

impl<'a> Extra<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Self {
        let mut extra =
            Self { aes: AesField::Absent, zip64: None, unicode_path: None, is_sound: true };
        let mut rest = Fields(bytes);
        // Some writers align the data with up to three zero bytes.
        while rest.0.len() >= 4 || rest.0.iter().any(|&byte| byte != 0) {
            let Some((id, data)) = field(&mut rest) else {
                extra.is_sound = false;
                break;
            };
            extra.add(id, data);
        }
        extra
    }

    fn add(&mut self, id: u16, data: &'a [u8]) {
        let seen_before = match id {
            ZIP64 => self.zip64.replace(data).is_some(),
            UNICODE_PATH => {
                // A version, the CRC of the header's name, then the Unicode name. A
                // shorter field gives an empty name, which differs from the entry's.
                let path = match data.split_first_chunk::<5>() {
                    Some((_version_and_crc, path)) => path,
                    None => &[],
                };
                self.unicode_path.replace(path).is_some()
            }
            AES => {
                let before = self.aes;
                self.aes = aes(data).map_or(AesField::Malformed, AesField::Sound);
                before != AesField::Absent
            }
            _ => false,
        };
        if seen_before {
            self.is_sound = false;
        }
    }

    /// Replaces the sizes and the offset that are in the zip64 field, which holds,
    /// in this order, exactly the values that do not fit in 32 bits.
    pub(crate) fn widen<const N: usize>(&self, narrow: [u32; N]) -> Option<[u64; N]> {
        let mut wide = narrow.map(u64::from);
        let Some(zip64) = self.zip64 else {
            return Some(wide);
        };
        let mut zip64 = Fields(zip64);
        for value in wide.iter_mut().filter(|value| **value == u64::from(IN_ZIP64)) {
            *value = zip64.u64()?;
        }
        Some(wide)
    }
}

fn field<'a>(rest: &mut Fields<'a>) -> Option<(u16, &'a [u8])> {
    let id = rest.u16()?;
    let len = rest.u16()?;
    Some((id, rest.bytes(len.into())?))
}

fn aes(data: &[u8]) -> Option<Aes> {
    let mut fields = Fields(data);
    let version = match fields.u16()? {
        1 => AesVersion::Ae1,
        2 => AesVersion::Ae2,
        _ => return None,
    };
    if fields.bytes(2)? != b"AE" {
        return None;
    }
    let strength = match fields.u8()? {
        1 => KeyStrength::Aes128,
        2 => KeyStrength::Aes192,
        3 => KeyStrength::Aes256,
        _ => return None,
    };
    let method = fields.u16()?;
    fields.0.is_empty().then_some(Aes { version, strength, method })
}
