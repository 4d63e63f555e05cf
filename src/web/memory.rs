//! The allocator: `lol_alloc`'s free list in place of dlmalloc, which is the default on wasm32 and 1.8 KB larger (brotli).
//!
//! Blocks have no header, and free neighbours are one block again at once, so that a page which tracks
//! for days finds room in what it has freed. Looking for room walks the list of free blocks, of which there
//! are few while the engine works: events are freed in the order in which they were made.

use lol_alloc::{AssumeSingleThreaded, FreeListAllocator};

// SAFETY: wasm32-unknown-unknown without the `atomics` feature has one thread.
#[global_allocator]
static ALLOCATOR: AssumeSingleThreaded<FreeListAllocator> =
    unsafe { AssumeSingleThreaded::new(FreeListAllocator::new()) };

#[cfg(test)]
#[path = "../../tests/web/memory.rs"]
mod tests;
