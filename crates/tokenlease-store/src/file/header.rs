//! What stands before a record in its file.

use tokenlease::core::StoreTime;

const MAGIC: &[u8; 4] = b"tkfr";
const VERSION: u8 = 1;
/// Magic, version, revision, written, wall, until, length.
pub(super) const LENGTH: usize = 4 + 1 + 5 * 8;

/// The header of a record's file, readable without the key. Numbers are big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) revision: u64,
    /// When it was written, in the store's time and by the wall clock: a later boot goes on from
    /// the two.
    pub(super) written: StoreTime,
    pub(super) wall: i64,
    /// From then on there is no record here; [`StoreTime::MAX`] is never.
    pub(super) until: StoreTime,
    /// How many bytes the record has.
    pub(super) length: u64,
}

/// What the first bytes of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    Whole(Header),
    Torn,
    Newer(u8),
}

impl Header {
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

    /// Reads the header at the beginning of `bytes`, and hands back what follows it.
    pub(super) fn decode(bytes: &[u8]) -> (Read, &[u8]) {
        let Some((version, rest)) = bytes.strip_prefix(MAGIC).and_then(<[u8]>::split_first) else {
            return (Read::Torn, &[]);
        };
        match *version {
            VERSION => {}
            0 => return (Read::Torn, &[]),
            newer => return (Read::Newer(newer), &[]),
        }
        let Some((fields, body)) = rest.split_first_chunk::<40>() else {
            return (Read::Torn, &[]);
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
        (Read::Whole(header), body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_and_a_torn_or_newer_one_is_told() {
        let header = Header {
            revision: u64::MAX - 1,
            written: StoreTime(-3),
            wall: 1_795_306_940_000,
            until: StoreTime::MAX,
            length: 7,
        };
        let mut bytes = header.encode().to_vec();
        bytes.extend_from_slice(b"record");
        assert_eq!(Header::decode(&bytes), (Read::Whole(header), &b"record"[..]));
        for torn in [&b""[..], b"tk", b"text\x01", &bytes[..LENGTH - 1], b"tkfr\x00"] {
            assert_eq!(Header::decode(torn).0, Read::Torn);
        }
        bytes[4] = 2;
        assert_eq!(Header::decode(&bytes).0, Read::Newer(2));
    }
}
