//! Which users share a folder.

/// Which users may use the folder of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum FolderAccess {
    /// Only the user to whom the folder belongs (the default). A folder or file of another user is
    /// refused.
    #[default]
    User,
    /// The users of the folder's group, for example several service accounts. Each of them can read and
    /// replace all tokens in the folder.
    Group,
}
