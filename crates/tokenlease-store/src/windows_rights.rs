//! Access rights on Windows: which users besides its own can read or change a file.
//!
//! A file's list of rights (DACL) takes the place of a Unix mode. Files in a folder inherit its list, so
//! that a folder for one user has files for that user from the moment they are made.

#[cfg_attr(not(windows), allow(dead_code, unreachable_pub, reason = "for tests elsewhere"))]
mod sddl;

#[cfg(windows)]
pub use self::{
    sddl::Rights,
    system::{make_private, name, of_file, of_folder, user},
};

#[cfg(windows)]
mod system {
    use std::{fs::File, io, path::Path, sync::OnceLock};

    use windows_permissions::{
        LocalBox, SecurityDescriptor, Sid,
        constants::{SeObjectType::SE_FILE_OBJECT, SecurityInformation},
        utilities::current_process_sid,
        wrappers::{
            ConvertSecurityDescriptorToStringSecurityDescriptor, GetNamedSecurityInfo,
            GetSecurityInfo, LookupAccountSid, SetNamedSecurityInfo,
        },
    };

    use super::Rights;

    /// Returns this process' user, as [`Rights`] name it.
    pub fn user() -> io::Result<&'static str> {
        static USER: OnceLock<String> = OnceLock::new();
        if let Some(user) = USER.get() {
            return Ok(user);
        }
        // In text some users have short names, such as the administrator that Windows comes with.
        let sid = current_process_sid()?.to_string();
        let descriptor: LocalBox<SecurityDescriptor> = format!("O:{sid}").parse()?;
        let text = text(&descriptor, SecurityInformation::Owner)?;
        let user = text.strip_prefix("O:").unwrap_or(&sid).to_owned();
        Ok(USER.get_or_init(|| user))
    }

    /// Returns the rights on an opened file.
    pub fn of_file(file: &File) -> io::Result<Rights> {
        rights(&*GetSecurityInfo(file, SE_FILE_OBJECT, parts())?)
    }

    /// Returns the rights on a folder.
    pub fn of_folder(path: &Path) -> io::Result<Rights> {
        rights(&*GetNamedSecurityInfo(path, SE_FILE_OBJECT, parts())?)
    }

    /// Gives a folder or a file, and all that will be made in the folder, to this process' user alone.
    pub fn make_private(path: &Path) -> io::Result<()> {
        let descriptor = format!("D:P(A;OICI;FA;;;{})", user()?);
        let descriptor: LocalBox<SecurityDescriptor> = descriptor.parse()?;
        let set = SecurityInformation::Dacl | SecurityInformation::ProtectedDacl;
        SetNamedSecurityInfo(path, SE_FILE_OBJECT, set, None, None, descriptor.dacl(), None)
    }

    /// Returns the name of a user or group that [`Rights`] name.
    pub fn name(user: &str) -> String {
        let sid: io::Result<LocalBox<Sid>> = user.parse();
        let found = sid.and_then(|sid| LookupAccountSid(&sid));
        match found {
            Ok((name, _)) if !name.is_empty() => name.to_string_lossy().into_owned(),
            _ => user.to_owned(),
        }
    }

    fn parts() -> SecurityInformation {
        SecurityInformation::Owner | SecurityInformation::Dacl
    }

    fn rights(descriptor: &SecurityDescriptor) -> io::Result<Rights> {
        let text = text(descriptor, parts())?;
        Rights::parse(&text).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "its access rights have an unknown form")
        })
    }

    fn text(descriptor: &SecurityDescriptor, parts: SecurityInformation) -> io::Result<String> {
        let text = ConvertSecurityDescriptorToStringSecurityDescriptor(descriptor, parts)?;
        Ok(text.to_string_lossy().into_owned())
    }
}
