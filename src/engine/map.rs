//! A small ordered map. The engine's maps hold a handful of tabs or requests: a sorted vector is
//! as fast there, iterates in a stable order, and is a fraction of `BTreeMap`'s code, which would
//! be a third of the whole wasm.

use core::cmp::Ordering;

/// Entries sorted by key. The values are boxed: entries of one key type are then of one size, and the
/// code that looks for, adds and removes them exists once.
#[derive(Clone, Debug)]
pub struct Map<K, V>(Vec<(K, Box<V>)>);

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Ord + Copy, V> Map<K, V> {
    /// Sets the value of a key.
    pub fn insert(&mut self, key: K, value: V) {
        match self.find(key) {
            Ok(at) => {
                if let Some(entry) = self.0.get_mut(at) {
                    *entry.1 = value;
                }
            }
            Err(at) => self.0.insert(at, (key, Box::new(value))),
        }
    }

    /// Removes a key.
    pub fn remove(&mut self, key: K) -> Option<Box<V>> {
        let at = self.find(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Removes the entry with the lowest key.
    pub fn remove_first(&mut self) {
        if !self.0.is_empty() {
            self.0.remove(0);
        }
    }

    /// The value of a key, made by default if there is none.
    pub fn or_default(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let at = match self.find(key) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (key, Box::default()));
                at
            }
        };
        #[allow(
            clippy::indexing_slicing,
            reason = "the entry was found or inserted right there"
        )]
        &mut self.0[at].1
    }

    /// Keeps the entries that `keep` wants.
    pub fn retain(&mut self, mut keep: impl FnMut(K, &V) -> bool) {
        self.0.retain(|(key, value)| keep(*key, value));
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: K) -> Option<&V> {
        let at = self.find(key).ok()?;
        self.0.get(at).map(|(_, value)| &**value)
    }

    /// The value of a key.
    pub fn get_mut(&mut self, key: K) -> Option<&mut V> {
        let at = self.find(key).ok()?;
        self.0.get_mut(at).map(|(_, value)| &mut **value)
    }

    /// Whether the key has a value.
    #[must_use]
    pub fn contains(&self, key: K) -> bool {
        self.find(key).is_ok()
    }

    /// Number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Entries by key.
    pub fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.0.iter().map(|(key, value)| (*key, &**value))
    }

    /// Keys in order.
    pub fn keys(&self) -> impl Iterator<Item = K> {
        self.0.iter().map(|(key, _)| *key)
    }

    /// Values by key.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.0.iter().map(|(_, value)| &**value)
    }

    /// Values by key.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|(_, value)| &mut **value)
    }

    fn find(&self, key: K) -> Result<usize, usize> {
        // From the front: for a handful that is as fast as halving, and there is one for each type.
        let mut at = 0;
        for (other, _) in &self.0 {
            match other.cmp(&key) {
                Ordering::Less => at += 1,
                Ordering::Equal => return Ok(at),
                Ordering::Greater => break,
            }
        }
        Err(at)
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = core::iter::Map<std::vec::IntoIter<(K, Box<V>)>, fn((K, Box<V>)) -> (K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter().map(|(key, value)| (key, *value))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    proptest::proptest! {
        #[test]
        fn behaves_like_a_btree_map(steps in proptest::collection::vec((0_u8..3, 0_u8..8, 0_u32..9), 0..60)) {
            let (mut map, mut model) = (Map::default(), BTreeMap::new());
            for (step, key, value) in steps {
                match step {
                    0 => {
                        map.insert(key, value);
                        model.insert(key, value);
                    }
                    1 => proptest::prop_assert_eq!(map.remove(key), model.remove(&key).map(Box::new)),
                    _ => {
                        *map.or_default(key) += value;
                        *model.entry(key).or_default() += value;
                    }
                }
                proptest::prop_assert_eq!(map.get(key), model.get(&key));
                let all: Vec<_> = map.iter().map(|(key, value)| (key, *value)).collect();
                let expected: Vec<_> = model.iter().map(|(key, value)| (*key, *value)).collect();
                proptest::prop_assert_eq!(all, expected);
            }
        }
    }
}
