//! The readers of a file of a secret.

use std::{fs::File, os::unix::fs::MetadataExt as _, path::Path};

/// Returns whether users can read or change the file whom nobody chose.
///
/// With an access control list, the group's bits of the mode are the list's mask: systemd gives a file of
/// `LoadCredential=` to its service so. A file of root that a group can only read was given to that
/// group, as systemd and Kubernetes do.
pub(super) fn others_can_read(file: &File) -> bool {
    let Ok(meta) = file.metadata() else { return false };
    let mode = meta.mode();
    // A pipe of the shell (`<(command)`) is private, whatever its mode.
    if !meta.is_file() {
        return false;
    }
    let of_group = match rights_of_group(file) {
        Some(rights) => rights,
        None if meta.uid() == 0 && mode & 0o030 == 0 => 0,
        None => mode >> 3 & 0o7,
    };
    mode & 0o007 != 0 || of_group != 0
}

/// Returns the command that gives the file to this user alone.
pub(super) fn command(path: &Path) -> String {
    format!("chmod 600 {}", path.display())
}

/// Returns the rights of the file's own group in its access control list, if it has one: see acl(5).
#[cfg(target_os = "linux")]
fn rights_of_group(file: &File) -> Option<u32> {
    const OWN_GROUP: u16 = 0x04;
    const MASK: u16 = 0x10;
    let mut bytes = [0; 4096];
    let len = rustix::fs::fgetxattr(file, "system.posix_acl_access", &mut bytes).ok()?;
    // The version, then for each entry its tag, its rights and its user or group.
    let list = bytes.get(..len)?.strip_prefix(&2_u32.to_le_bytes())?;
    let entries = list.chunks_exact(8);
    let rights = |wanted| {
        entries.clone().find_map(|entry| {
            let &[tag, tag_end, rights, ..] = entry else { return None };
            (u16::from_le_bytes([tag, tag_end]) == wanted).then_some(u32::from(rights))
        })
    };
    Some(rights(OWN_GROUP)? & rights(MASK).unwrap_or(0o7))
}

#[cfg(not(target_os = "linux"))]
fn rights_of_group(_: &File) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt as _};

    use super::*;

    /// The list of a file that one user may read: `user::r--, user:1000:r--, group::---, mask::r--,
    /// other::---`, as systemd sets it.
    fn list(of_group: u8) -> Vec<u8> {
        let mut list = vec![2, 0, 0, 0];
        for (tag, rights, user) in [
            (1_u8, 4, u32::MAX),
            (2, 4, 1000),
            (4, of_group, u32::MAX),
            (0x10, 4, u32::MAX),
            (0x20, 0, u32::MAX),
        ] {
            list.extend([tag, 0, rights, 0]);
            list.extend(user.to_le_bytes());
        }
        list
    }

    /// Rule: Secrets: only a secret's file that users can read whom nobody chose causes a warning: not one
    /// with an access control list for the service, and not one of root that a group can read.
    #[test]
    fn only_a_file_that_unchosen_users_can_read_causes_a_warning() {
        let file = tempfile::tempfile().expect("a file");
        let is_root = file.metadata().expect("its metadata").uid() == 0;
        for (mode, expected) in [
            (0o600, false),
            (0o400, false),
            (0o440, !is_root),
            (0o640, !is_root),
            (0o460, true),
            (0o444, true),
            (0o644, true),
        ] {
            file.set_permissions(Permissions::from_mode(mode)).expect("its mode");
            assert_eq!(others_can_read(&file), expected, "{mode:o}");
        }
        if is_root {
            file.set_permissions(Permissions::from_mode(0o440)).expect("its mode");
            std::os::unix::fs::fchown(&file, Some(1000), None).expect("its owner");
            assert!(others_can_read(&file), "the group of a user was not chosen");
        }
        #[cfg(target_os = "linux")]
        for (of_group, expected) in [(0, false), (4, true)] {
            let list = list(of_group);
            let flags = rustix::fs::XattrFlags::empty();
            let set = rustix::fs::fsetxattr(&file, "system.posix_acl_access", &list, flags);
            // Not all file systems have lists.
            if set.is_ok() {
                assert_eq!(others_can_read(&file), expected, "{of_group}");
            }
        }
    }
}
