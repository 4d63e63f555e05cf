//! The key/value store the journal is written to: `localStorage` in a browser, a map elsewhere.

/// Why a write did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The origin's quota is used up, by us or by the page.
    QuotaExceeded,
    /// Storage is missing or blocked (private mode, sandboxed frame, cookie settings).
    Unavailable,
    /// It took the value, and does not have it: an extension or a consent tool has replaced it.
    Forgetful,
}

/// Synchronous key/value storage, shared by every tab of the origin.
///
/// Reads may be stale with respect to *other* processes' writes, never to one's own.
pub trait Store {
    /// The value of `key`, or `None` when it is absent or storage cannot be read.
    fn get(&self, key: &str) -> Option<String>;

    /// Writes `key`; either wholly or not at all.
    ///
    /// # Errors
    /// When the quota is used up or storage cannot be written.
    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError>;

    /// Removes `key`; absent keys are fine.
    fn remove(&mut self, key: &str);

    /// All keys that start with `prefix`, in any order.
    fn keys(&self, prefix: &str) -> Vec<String>;

    /// What the mirror holds: a small text that other subdomains of the site see, too (a cookie).
    fn mirror(&self) -> Option<String> {
        None
    }

    /// Writes the mirror.
    fn set_mirror(&mut self, text: &str) {
        _ = text;
    }
}

/// A [`Store`] in memory, for tests and other hosts than a browser.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// What is stored.
    pub entries: Vec<(String, String)>,
    /// The most bytes (keys and values) it takes before `QuotaExceeded`.
    pub quota_bytes: Option<usize>,
}

impl MemoryStore {
    /// Bytes in use, keys and values.
    #[must_use]
    pub fn used_bytes(&self) -> usize {
        self.entries
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum()
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &str) -> Option<String> {
        let found = self.entries.iter().find(|(name, _)| name == key);
        found.map(|(_, value)| value.clone())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        let old = self.get(key).map_or(0, |value| key.len() + value.len());
        let used = self.used_bytes() - old + key.len() + value.len();
        if self.quota_bytes.is_some_and(|quota| used > quota) {
            return Err(StoreError::QuotaExceeded);
        }
        self.remove(key);
        self.entries.push((key.to_owned(), value.to_owned()));
        Ok(())
    }

    fn remove(&mut self, key: &str) {
        self.entries.retain(|(name, _)| name != key);
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        let names = self.entries.iter().map(|(name, _)| name);
        names
            .filter(|name| name.starts_with(prefix))
            .cloned()
            .collect()
    }
}
