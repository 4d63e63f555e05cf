//! The allocator is the standard library's, dlmalloc: it makes free neighbours one block again and looks for room by size,
//! so that a page which tracks for days, through outages that fill the queue, finds room in what it has freed.
//!
//! It is here for its tests alone. Smaller ones were measured (brotli): a free list that is walked takes 1.9 KB less, and
//! grows slow with its length; talc takes 1.4 KB less, and corrupted wasm heaps until lately (its pull request 49).

#[cfg(test)]
#[path = "../../tests/web/memory.rs"]
mod tests;
