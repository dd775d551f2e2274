//! The folder's file system: its kind, and the operations that it lacks.

use std::{io, path::Path};

/// Returns the number of the folder's file system, see statfs(2).
#[cfg(target_os = "linux")]
pub(super) fn number(path: &Path) -> Option<u32> {
    let stat = rustix::fs::statfs(path).ok()?;
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "the numbers have 32 bits; the field is wider on some platforms"
    )]
    Some(stat.f_type as u32)
}

/// Returns the number of a file system like the one of the folder's drive: NTFS on a drive of this host, SMB
/// on that of another one.
#[cfg(windows)]
pub(super) fn number(path: &Path) -> Option<u32> {
    use std::path::{Component, Prefix};

    use winsafe::{GetDriveType, co::DRIVE};

    let Some(Component::Prefix(prefix)) = path.components().next() else { return None };
    let letter = match prefix.kind() {
        Prefix::Disk(letter) | Prefix::VerbatimDisk(letter) => char::from(letter),
        Prefix::UNC(..) | Prefix::VerbatimUNC(..) => return Some(SMB),
        Prefix::Verbatim(_) | Prefix::DeviceNS(_) => return None,
    };
    match GetDriveType(Some(&format!("{letter}:\\"))) {
        DRIVE::FIXED | DRIVE::REMOVABLE | DRIVE::RAMDISK => Some(NTFS),
        DRIVE::REMOTE => Some(SMB),
        _ => None,
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
pub(super) fn number(_: &Path) -> Option<u32> {
    None
}

const SMB: u32 = 0xfe53_4d42;
/// As Linux' former driver has it. Those of Linux are not known to be quick.
const NTFS: u32 = 0x5346_544e;

/// Returns the name of a network file system by its number.
pub(super) fn network_of(number: u32) -> Option<&'static str> {
    match number {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | SMB => Some("SMB"),
        0x00c3_6400 => Some("CephFS"),
        0x0102_1997 => Some("9p"),
        _ => None,
    }
}

/// Returns the options with which to mount a file system whose owners and modes come from its mount, so
/// that `chown` and `chmod` change nothing.
#[cfg(unix)]
pub(super) fn mount_options(number: u32, user: u32) -> Option<String> {
    match number {
        // FAT, exFAT.
        0x4d44 | 0x2011_bab0 => Some(format!("uid={user},umask=077")),
        // SMB.
        0x517b | 0xff53_4d42 | SMB => Some(format!("uid={user},dir_mode=0700,file_mode=0600")),
        _ => None,
    }
}

/// Returns whether that file system is on a disk or in the memory of this host, so that a `stat` takes
/// microseconds. A file system that is not listed may be on a network, as those of FUSE are.
pub(super) fn is_local(number: u32) -> bool {
    matches!(
        number,
        0xef53 // ext2, ext3, ext4
            | 0x5846_5342 // XFS
            | 0x9123_683e // Btrfs
            | 0xf2f5_2010 // F2FS
            | 0x2fc1_2fc1 // ZFS
            | 0xca45_1a4e // bcachefs
            | 0x3153_464a // JFS
            | 0x0102_1994 // tmpfs
            | 0x8584_58f6 // ramfs
            | 0x794c_7630 // overlayfs, the folders of containers
    ) || cfg!(windows) && number == NTFS
}

/// Renames a file unless the new name exists.
pub(super) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        Ok(renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE)?)
    }
    #[cfg(not(any(target_os = "linux", target_os = "macos")))]
    {
        let _ = (from, to);
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Returns whether an error says that the file system does not have the operation at all: `link` on FAT,
/// exFAT, SMB and many FUSE file systems, `fsync` of a folder on SMB and some FUSE file systems.
pub(super) fn lacks_operation(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let lacking = [
            Errno::PERM,
            Errno::INVAL,
            Errno::NOSYS,
            Errno::OPNOTSUPP,
            Errno::NOTSUP,
            Errno::BADF,
            Errno::NOTTY,
            Errno::ACCESS,
        ];
        let lacks = |number| lacking.iter().any(|errno| errno.raw_os_error() == number);
        error.kind() == io::ErrorKind::Unsupported || error.raw_os_error().is_some_and(lacks)
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::Unsupported || error.raw_os_error() == Some(1)
    }
}

#[cfg(all(test, windows))]
mod tests {
    use super::*;

    /// Rule: Store: on Windows a folder on a drive of this host is read without a thread switch, and one of
    /// another host causes a warning.
    #[test]
    fn drives_of_this_host_differ_from_those_of_others() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(number(folder.path()).map(is_local), Some(true));
        let share = number(Path::new(r"\\host\share\tokens")).unwrap();
        assert_eq!((is_local(share), network_of(share)), (false, Some("SMB")));
        assert_eq!(number(Path::new("tokens")), None);
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_recognized_by_their_numbers() {
        let kinds = [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42].map(network_of);
        assert_eq!(kinds, [Some("NFS"), Some("SMB"), Some("SMB"), Some("SMB")]);
        // ext4, tmpfs, overlay.
        assert_eq!([0xef53, 0x0102_1994, 0x794c_7630].map(network_of), [None; 3]);
    }

    #[test]
    fn owners_that_come_from_a_mount_are_set_by_its_options() {
        assert_eq!(mount_options(0x4d44, 7).as_deref(), Some("uid=7,umask=077"));
        let smb = mount_options(0xfe53_4d42, 7);
        assert_eq!(smb.as_deref(), Some("uid=7,dir_mode=0700,file_mode=0600"));
        assert_eq!(mount_options(0xef53, 7), None);
    }

    /// Rule: Store: only file systems that are known to be local are read without a thread switch.
    #[test]
    fn only_file_systems_that_are_known_to_be_local_are_read_without_a_thread_switch() {
        // ext4, XFS, Btrfs, tmpfs, overlay.
        let local = [0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994, 0x794c_7630];
        assert!(local.into_iter().all(is_local));
        // FUSE, CephFS, 9p, NFS, SMB, virtiofs' and vboxsf's numbers, and one that is unknown.
        let others = [0x6573_5546, 0x00c3_6400, 0x0102_1997, 0x6969, 0x517b, 0x786f_4256, 7];
        assert!(!others.into_iter().any(is_local));
        let folder = tempfile::tempdir().unwrap();
        assert!(is_local(number(folder.path()).unwrap()));
    }
}
