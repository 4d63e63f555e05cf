//! Short lists: tabs, requests, offers. Plain vectors, searched from the front.

/// Removes what `is_gone`, asking each in order. For short lists: a fraction of `Vec::retain`'s code.
pub(crate) fn remove_where<T>(items: &mut Vec<T>, mut is_gone: impl FnMut(&T) -> bool) {
    let mut index = 0;
    while let Some(item) = items.get(index) {
        if is_gone(item) {
            items.remove(index);
        } else {
            index += 1;
        }
    }
}
