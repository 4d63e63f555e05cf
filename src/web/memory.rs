//! The allocator: Talc in place of dlmalloc, which is the default on wasm32 and 1.4 KB larger (brotli).
//!
//! It keeps free memory in bins by size and joins neighbours at once, so that a page which tracks
//! for days finds room in what it has freed. Growing in place is left out: the engine's longest texts
//! are the size of a request, and copying one of those is not worth its code.

use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

#[global_allocator]
static ALLOCATOR: WasmDynamicTalc = new_wasm_dynamic_allocator();

#[cfg(test)]
#[path = "../../tests/web/memory.rs"]
mod tests;
