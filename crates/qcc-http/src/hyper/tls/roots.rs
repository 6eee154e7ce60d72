//! Which certificate authorities to trust.

use std::{
    fmt,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tracing::{debug, warn};

use super::InvalidTls;

/// No bundle of authorities comes near this; what is longer is something else.
const LONGEST_FILE: u64 = 16 << 20;

/// Which certificate authorities to trust. Choices add up with [`and`](Self::and).
///
/// The default is [`bundled`](Self::bundled) and [`platform`](Self::platform):
/// it works in an empty container, and behind a company's inspecting proxy.
#[derive(Clone)]
#[must_use]
pub struct Roots {
    bundled: bool,
    platform: bool,
    own: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Mozilla's authorities, as they were when this program was built.
    pub fn bundled() -> Self {
        Self { bundled: true, platform: false, own: Vec::new() }
    }

    /// The machine's authorities, read when the transport is built.
    ///
    /// Found where the platform keeps them, or where `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` say: the one place where a library below reads the
    /// environment. What cannot be read there is skipped; a program that is
    /// told by these variables uses [`file`](Self::file) and
    /// [`folder`](Self::folder) instead, which fail.
    pub fn platform() -> Self {
        Self { bundled: false, platform: true, own: Vec::new() }
    }

    /// The certificates of a PEM text, and no others.
    ///
    /// # Errors
    /// [`InvalidTls`] where the text holds none, or a broken one.
    pub fn pem(text: &[u8]) -> Result<Self, InvalidTls> {
        let own = CertificateDer::pem_slice_iter(text)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| InvalidTls::new(format!("the PEM text is broken: {error}")))?;
        if own.is_empty() {
            return Err(InvalidTls::new("the PEM text holds no certificate"));
        }
        Ok(Self { bundled: false, platform: false, own })
    }

    /// The certificates of a file, PEM or DER, and no others.
    ///
    /// # Errors
    /// [`InvalidTls`], which names the file, where it cannot be read or holds
    /// no certificate that can be a root.
    pub fn file(path: &Path) -> Result<Self, InvalidTls> {
        let named = |why| InvalidTls::new(format!("{}: {why}", path.display()));
        let bytes = read(path).map_err(|error| named(format!("it cannot be read: {error}")))?;
        let own = certificates(&bytes).map_err(named)?;
        let (own, refused) = usable(own);
        match (own.is_empty(), refused) {
            (true, Some(why)) => Err(named(format!("it holds no usable certificate: {why}"))),
            (true, None) => Err(named("it holds no certificate".to_owned())),
            (false, refused) => {
                if let Some(why) = refused {
                    let file = path.display();
                    warn!(%file, why, "a certificate of this file cannot be used as a root");
                }
                Ok(Self { bundled: false, platform: false, own })
            }
        }
    }

    /// The certificates of all files in a folder, and no others. Other files are
    /// skipped, and so are links that lead nowhere.
    ///
    /// # Errors
    /// [`InvalidTls`], which names folder or file, where one cannot be read, or
    /// there is no certificate.
    pub fn folder(path: &Path) -> Result<Self, InvalidTls> {
        let unread = |path: &Path, error: io::Error| {
            InvalidTls::new(format!("{}: it cannot be read: {error}", path.display()))
        };
        let mut own = Vec::new();
        for entry in fs::read_dir(path).map_err(|error| unread(path, error))? {
            let file = entry.map_err(|error| unread(path, error))?.path();
            // Follows links: a folder of authorities consists of them.
            match fs::metadata(&file) {
                Ok(meta) if meta.is_file() => {}
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(unread(&file, error)),
            }
            let bytes = read(&file).map_err(|error| unread(&file, error))?;
            own.extend(usable(certificates(&bytes).unwrap_or_default()).0);
        }
        if own.is_empty() {
            let why = format!("{}: no file in it is a certificate", path.display());
            return Err(InvalidTls::new(why));
        }
        Ok(Self { bundled: false, platform: false, own })
    }

    /// Trusts both: these and `other`.
    pub fn and(mut self, other: Self) -> Self {
        self.bundled |= other.bundled;
        self.platform |= other.platform;
        self.own.extend(other.own);
        self
    }

    pub(super) fn into_store(self) -> Result<RootCertStore, InvalidTls> {
        let mut store = RootCertStore::empty();
        if self.bundled {
            store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        if self.platform {
            let found = rustls_native_certs::load_native_certs();
            for error in &found.errors {
                debug!(%error, "a part of the platform's roots cannot be read");
            }
            // Platforms keep a few certificates that are too old to be read; the rest serves.
            store.add_parsable_certificates(found.certs);
        }
        for certificate in self.own {
            store.add(certificate).map_err(|error| {
                InvalidTls::new(format!("a certificate cannot be used as a root: {error}"))
            })?;
        }
        if store.is_empty() {
            return Err(InvalidTls::new(
                "the platform has no certificate authorities (install ca-certificates, or use the \
                 bundled ones)",
            ));
        }
        Ok(store)
    }
}

/// A regular file, and not more of it than a bundle of authorities has.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let refused = |why| io::Error::new(io::ErrorKind::InvalidInput, why);
    // Asked before it is opened: to open a pipe waits for a writer.
    if !fs::metadata(path)?.is_file() {
        return Err(refused("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST_FILE {
        return Err(refused("it is longer than 16 MiB"));
    }
    Ok(bytes)
}

/// The certificates in PEM, or the one in DER.
fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    const MARK: &[u8] = b"-----BEGIN ";
    if bytes.windows(MARK.len()).any(|part| part == MARK) {
        return CertificateDer::pem_slice_iter(bytes)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("the PEM text is broken: {error}"));
    }
    // DER begins with the mark of a sequence.
    match bytes.first() {
        Some(0x30) => Ok(vec![CertificateDer::from(bytes.to_vec())]),
        _ => Err("it is neither PEM nor DER".to_owned()),
    }
}

/// Those that can be roots, and why the first of the others cannot.
fn usable(found: Vec<CertificateDer<'static>>) -> (Vec<CertificateDer<'static>>, Option<String>) {
    let mut refused = None;
    let good = found
        .into_iter()
        .filter(|certificate| match RootCertStore::empty().add(certificate.clone()) {
            Ok(()) => true,
            Err(error) => {
                refused.get_or_insert_with(|| error.to_string());
                false
            }
        })
        .collect();
    (good, refused)
}

impl Default for Roots {
    fn default() -> Self {
        Self::bundled().and(Self::platform())
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roots")
            .field("bundled", &self.bundled)
            .field("platform", &self.platform)
            .field("own", &self.own.len())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_certificates_gives_no_roots() {
        for text in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
            assert!(Roots::pem(text.as_bytes()).is_err(), "{text:?} was taken");
        }
    }
}
