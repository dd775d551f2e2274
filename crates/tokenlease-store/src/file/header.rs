//! The header of a record's file.

use std::io::Read as _;

use tokenlease::core::StoreTime;

use super::folder::Folder;

/// The end of the names of records' files.
pub(super) const RECORD_END: &str = ".record";
const MAGIC: &[u8; 4] = b"tkfr";
const VERSION: u8 = 1;
/// Magic, version, revision, written, wall, until, length.
const LENGTH: usize = 4 + 1 + 5 * 8;

/// The header of a record's file, which is not encrypted. Numbers are big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) revision: u64,
    /// When the record was written, in the store's time and by the wall clock. The store's clock
    /// continues from the two after a boot.
    pub(super) written: StoreTime,
    pub(super) wall: i64,
    /// When the record expires; [`StoreTime::MAX`] for never.
    pub(super) until: StoreTime,
    /// The record's length in bytes.
    pub(super) length: u64,
}

/// The result of decoding a file's first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    Header(Header),
    Torn,
    NewerVersion(u8),
}

impl Header {
    /// Reads the header of a record's file, if the file has a complete one of this version.
    pub(super) fn read(folder: &Folder, name: &str) -> Option<Self> {
        let mut bytes = [0; LENGTH];
        folder.open_file(name).and_then(|mut file| file.read_exact(&mut bytes)).ok()?;
        match Self::decode(&bytes).0 {
            Decoded::Header(header) => Some(header),
            Decoded::Torn | Decoded::NewerVersion(_) => None,
        }
    }

    pub(super) fn encode(&self) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let fields = [
            self.revision.to_be_bytes(),
            self.written.0.to_be_bytes(),
            self.wall.to_be_bytes(),
            self.until.0.to_be_bytes(),
            self.length.to_be_bytes(),
        ];
        let all = MAGIC.iter().chain(&[VERSION]).chain(fields.iter().flatten());
        for (place, byte) in bytes.iter_mut().zip(all) {
            *place = *byte;
        }
        bytes
    }

    /// Decodes the header at the beginning of `bytes`, and returns the bytes after it.
    pub(super) fn decode(bytes: &[u8]) -> (Decoded, &[u8]) {
        let Some((version, rest)) = bytes.strip_prefix(MAGIC).and_then(<[u8]>::split_first) else {
            return (Decoded::Torn, &[]);
        };
        match *version {
            VERSION => {}
            0 => return (Decoded::Torn, &[]),
            newer => return (Decoded::NewerVersion(newer), &[]),
        }
        let Some((fields, body)) = rest.split_first_chunk::<40>() else {
            return (Decoded::Torn, &[]);
        };
        let mut fields = fields
            .chunks_exact(8)
            .map(|field| field.try_into().map(u64::from_be_bytes).unwrap_or_default());
        let mut next = || fields.next().unwrap_or_default();
        let header = Self {
            revision: next(),
            written: StoreTime(next().cast_signed()),
            wall: next().cast_signed(),
            until: StoreTime(next().cast_signed()),
            length: next(),
        };
        (Decoded::Header(header), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_decoded_as_encoded_and_a_torn_or_newer_one_is_recognized() {
        let header = Header {
            revision: u64::MAX - 1,
            written: StoreTime(-3),
            wall: 1_795_306_940_000,
            until: StoreTime::MAX,
            length: 7,
        };
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(b"record");
        assert_eq!(Header::decode(&bytes), (Decoded::Header(header), &b"record"[..]));
        for torn in [&b""[..], b"tk", b"text\x01", &bytes[..LENGTH - 1], b"tkfr\x00"] {
            assert_eq!(Header::decode(torn).0, Decoded::Torn);
        }
        bytes[4] = 2;
        assert_eq!(Header::decode(&bytes).0, Decoded::NewerVersion(2));
    }
}
