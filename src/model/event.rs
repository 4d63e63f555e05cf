//! An event as it waits: its number and its text.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Number within its tab.
    pub seq: u64,
    /// The page that it was tracked on, as an index into the pages that its log holds.
    pub page: usize,
    /// Its canonical text: the native format's event.
    pub text: String,
}
