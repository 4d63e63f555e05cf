//! The key/value store the journal is written to: `localStorage` in a browser, a map elsewhere.

/// Why a write did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The origin's quota is used up, by us or by the page.
    QuotaExceeded,
    /// Storage is missing or blocked (private mode, sandboxed frame, cookie settings).
    Unavailable,
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

    fn position(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|(name, _)| name == key)
    }
}

impl Store for MemoryStore {
    fn get(&self, key: &str) -> Option<String> {
        let (_, value) = self.entries.get(self.position(key)?)?;
        Some(value.clone())
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
        if let Some(at) = self.position(key) {
            self.entries.remove(at);
        }
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        let mut keys = Vec::new();
        for (name, _) in &self.entries {
            if name.starts_with(prefix) {
                keys.push(name.clone());
            }
        }
        keys
    }
}
