//! Access rights as text, in the Security Descriptor Definition Language (SDDL).
//!
//! Source: Microsoft, "Security Descriptor String Format" and "ACE Strings".

/// Reading the content of a file, or the names in a folder; the generic rights that include it.
const READ: u32 = 0x1 | GENERIC_READ | GENERIC_ALL;
/// Changing the content of a file, or the files in a folder; removing it, and changing its rights.
const WRITE: u32 = 0x2 | 0x4 | 0x40 | 0x1_0000 | 0x4_0000 | 0x8_0000 | GENERIC_WRITE | GENERIC_ALL;
const GENERIC_READ: u32 = 0x8000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const GENERIC_ALL: u32 = 0x1000_0000;

/// Users who can read each file of the system anyway, and the file's own user: the system, its
/// administrators, those of its domain, and the owner of what is made in a folder.
const TRUSTED: [&str; 10] =
    ["SY", "S-1-5-18", "BA", "S-1-5-32-544", "DA", "EA", "CO", "S-1-3-0", "OW", "S-1-3-4"];
/// The place of all users where there is no list, as on FAT.
const EVERYONE: &str = "WD";

/// The owner of a file or folder, and the users who may use it.
#[derive(Debug, PartialEq, Eq)]
pub struct Rights {
    owner: String,
    entries: Vec<Entry>,
}

/// The rights that the list grants one user or group.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    user: String,
    mask: u32,
}

impl Rights {
    /// Reads a descriptor with an owner and a list. Rights of a kind that is not known count as all
    /// rights.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let owner = text.strip_prefix("O:")?;
        let owner =
            &owner[..["G:", "D:", "S:"].iter().filter_map(|next| owner.find(next)).min()?];
        let list = &text[text.find("D:")? + 2..];
        let flags = list.find('(').map_or(list, |begin| &list[..begin]);
        let entries = if flags.contains("NO_ACCESS_CONTROL") {
            vec![Entry { user: EVERYONE.to_owned(), mask: u32::MAX }]
        } else {
            entries(&list[flags.len()..])?
        };
        Some(Self { owner: owner.to_owned(), entries })
    }

    /// Returns the owner, unless that is `user` or an administrator.
    pub fn foreign_owner(&self, user: &str) -> Option<&str> {
        Some(self.owner.as_str()).filter(|owner| *owner != user && !TRUSTED.contains(owner))
    }

    /// Returns the users and groups besides `user` that can read it.
    pub fn readers(&self, user: &str) -> Vec<&str> {
        self.others(user, READ)
    }

    /// Returns the users and groups besides `user` that can change it.
    pub fn writers(&self, user: &str) -> Vec<&str> {
        self.others(user, WRITE)
    }

    fn others(&self, user: &str, mask: u32) -> Vec<&str> {
        let mut others: Vec<_> = self
            .entries
            .iter()
            .filter(|entry| entry.mask & mask != 0)
            .map(|entry| entry.user.as_str())
            .filter(|other| *other != user && !TRUSTED.contains(other))
            .collect();
        others.dedup();
        others
    }
}

/// Reads the entries that allow something, each in parentheses. A condition has parentheses, too.
fn entries(mut list: &str) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while let Some(rest) = list.strip_prefix('(') {
        let mut depth = 1;
        let end = rest.find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        })?;
        let fields: Vec<_> = rest[..end].splitn(7, ';').collect();
        let &[kind, _, rights, _, _, user, ..] = fields.as_slice() else { return None };
        // An entry that denies something only makes the others narrower.
        if !["D", "OD", "XD", "ZD"].contains(&kind) {
            entries.push(Entry { user: user.to_owned(), mask: mask(rights) });
        }
        list = &rest[end + 1..];
    }
    (list.is_empty() || list.starts_with("S:")).then_some(entries)
}

/// Returns the rights in a number, or in words of two letters.
fn mask(rights: &str) -> u32 {
    if let Some(number) = rights.strip_prefix("0x") {
        return u32::from_str_radix(number, 16).unwrap_or(u32::MAX);
    }
    if rights.starts_with(|c: char| c.is_ascii_digit()) {
        return u32::MAX;
    }
    let words = rights.as_bytes().chunks(2);
    words.fold(0, |mask, word| mask | of_word(word))
}

fn of_word(word: &[u8]) -> u32 {
    match word {
        b"FA" => 0x001f_01ff,
        b"FR" => 0x0012_0089,
        b"FW" => 0x0012_0116,
        b"FX" => 0x0012_00a0,
        b"GA" => GENERIC_ALL,
        b"GR" => GENERIC_READ,
        b"GW" => GENERIC_WRITE,
        b"GX" => 0x2000_0000,
        b"RC" => 0x2_0000,
        b"SD" => 0x1_0000,
        b"WD" => 0x4_0000,
        b"WO" => 0x8_0000,
        // The words of a directory service: the bits of a file in order.
        b"CC" => 0x1,
        b"DC" => 0x2,
        b"LC" => 0x4,
        b"SW" => 0x8,
        b"RP" => 0x10,
        b"WP" => 0x20,
        b"DT" => 0x40,
        b"LO" => 0x80,
        b"CR" => 0x100,
        _ => u32::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const USER: &str = "S-1-5-21-1-2-3-1001";

    fn rights(list: &str) -> Rights {
        Rights::parse(&format!("O:{USER}G:S-1-5-21-1-2-3-513D:{list}")).expect("a descriptor")
    }

    /// Rule: Secrets: on Windows a folder of the user's own application data is private, and one below
    /// `C:\ProgramData` is not.
    #[test]
    fn rights_of_other_users_are_found_in_a_list() {
        let own = format!("AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;{USER})");
        let own = rights(&own);
        assert_eq!((own.readers(USER), own.writers(USER)), (vec![], vec![]));
        assert_eq!(own.foreign_owner(USER), None);
        assert_eq!(own.readers("S-1-5-21-1-2-3-1002"), [USER]);
        assert_eq!(own.foreign_owner("S-1-5-21-1-2-3-1002"), Some(USER));

        let program_data = "AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIIOID;GA;;;CO)\
                            (A;OICIID;0x1200a9;;;BU)(A;CIID;DCLCRPCR;;;BU)";
        let shared = rights(program_data);
        assert_eq!((shared.readers(USER), shared.writers(USER)), (vec!["BU"], vec!["BU"]));
    }

    #[test]
    fn all_forms_of_a_list_are_read() {
        for (list, readers, writers) in [
            ("", 0, 0),
            ("P", 0, 0),
            ("NO_ACCESS_CONTROL", 1, 1),
            ("(A;;FR;;;WD)", 1, 0),
            ("(A;;FX;;;WD)", 0, 0),
            ("(A;;SD;;;WD)", 0, 1),
            ("(A;;FW;;;AU)(A;;FR;;;BU)", 1, 1),
            ("(D;;FA;;;WD)", 0, 0),
            ("(XA;;FR;;;AU;(@User.Title==\"(a)\"))(A;;FW;;;BU)", 1, 1),
            ("(A;;unknown;;;WD)", 1, 1),
            ("(A;;7;;;WD)", 1, 1),
            ("(A;;FA;;;OW)S:(AU;SA;FA;;;WD)", 0, 0),
        ] {
            let rights = rights(list);
            let found = (rights.readers(USER).len(), rights.writers(USER).len());
            assert_eq!(found, (readers, writers), "{list}");
        }
        for torn in [
            "",
            "O:SY",
            "D:(A;;FA;;;WD)",
            "O:SYD:(A;;FA",
            "O:SYD:(A;;FA;;)",
            "O:SYD:P(A;;FA;;;WD)x",
        ] {
            assert_eq!(Rights::parse(torn), None, "{torn}");
        }
    }
}
