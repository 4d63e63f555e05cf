//! The allocator over a long visit: what is freed is used again, however sizes and lifetimes mix.

use core::arch::wasm32::memory_size;

use wasm_bindgen_test::wasm_bindgen_test;

use crate::model::rng::Rng;

const PAGE_BYTES: usize = 65_536;
/// Allocations of a long visit, and how many of them live at one time.
const ALLOCATIONS: usize = 1_000_000;
const LIVE_MAX: usize = 2_000;

/// As the engine's are: mostly ids and events, now and then a batch, seldom a whole body.
fn size(rng: &mut Rng) -> usize {
    let (least, most) = match rng.below(1_000) {
        0 => (16_384, 65_536),
        1..30 => (1_024, 16_384),
        30..500 => (100, 1_024),
        _ => (1, 100),
    };
    least + rng.below((most - least) as u64) as usize
}

/// A block full of its mark, so that two blocks which overlap show.
fn block(size: usize, mark: u8) -> Vec<u8> {
    let mut block = Vec::with_capacity(size);
    block.resize(size, mark);
    block
}

#[wasm_bindgen_test]
fn a_long_visit_needs_no_more_memory_than_its_busiest_moment() {
    let mut rng = Rng::new(1);
    let mut live: Vec<Vec<u8>> = Vec::with_capacity(LIVE_MAX);
    let (mut bytes, mut bytes_max) = (0, 0);
    let pages_before = memory_size(0);
    for round in 0..ALLOCATIONS {
        let mark = round as u8;
        let new = block(size(&mut rng), mark);
        bytes += new.len();
        bytes_max = bytes_max.max(bytes);
        if live.len() < LIVE_MAX {
            live.push(new);
            continue;
        }
        // Old and young ones go alike, and now and then nearly all, as after an outage.
        let slot = rng.below(LIVE_MAX as u64) as usize;
        let old = core::mem::replace(&mut live[slot], new);
        assert!(old.first() == old.last(), "two blocks overlap");
        bytes -= old.len();
        if round % 50_000 == 0 {
            live.truncate(LIVE_MAX / 50);
            bytes = live.iter().map(Vec::len).sum();
        }
    }
    let grown = (memory_size(0) - pages_before) * PAGE_BYTES;
    assert!(
        grown < bytes_max,
        "{grown} bytes for at most {bytes_max} at a time"
    );
}

#[wasm_bindgen_test]
fn a_text_that_grows_piece_by_piece_leaves_its_old_places_free() {
    let grow = || {
        let mut text = String::new();
        while text.len() < 1 << 20 {
            text.push_str("0123456789abcdef");
        }
        text
    };
    // Room for the last step has to be found beside the one before it; more than that never.
    for _ in 0..3 {
        drop(grow());
    }
    let pages_before = memory_size(0);
    for _ in 0..50 {
        assert_eq!(grow().len(), 1 << 20);
    }
    assert_eq!(memory_size(0), pages_before);
}
