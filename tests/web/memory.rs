//! The allocator over a long visit: what is freed is used again, however sizes and lifetimes mix.

use core::arch::wasm32::memory_size;
use std::collections::VecDeque;

use wasm_bindgen_test::wasm_bindgen_test;

use crate::model::rng::Rng;

const PAGE_BYTES: usize = 65_536;
/// Allocations of a long visit.
const ALLOCATIONS: usize = 1_000_000;
/// A full queue, after an outage, and what is sent of it at a time, to each destination in a text of its own.
const QUEUED_EVENTS: usize = 10_000;
const BATCH_EVENTS: usize = 200;
const DESTINATIONS: usize = 3;

/// Bytes that the memory has grown by since it had `pages`.
fn grown_since(pages: usize) -> usize {
    (memory_size(0) - pages) * PAGE_BYTES
}

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

/// A visit with up to `live_max` blocks at a time: the bytes that the memory grew by, and the most that were in use.
fn long_visit(seed: u64, live_max: usize) -> (usize, usize) {
    let mut rng = Rng::new(seed);
    let pages_before = memory_size(0);
    let mut live: Vec<Vec<u8>> = Vec::with_capacity(live_max);
    let (mut bytes, mut bytes_max) = (0, 0);
    for round in 0..ALLOCATIONS {
        let new = block(size(&mut rng), round as u8);
        bytes += new.len();
        bytes_max = bytes_max.max(bytes);
        if live.len() < live_max {
            live.push(new);
            continue;
        }
        // Old and young ones go alike, and now and then nearly all, as after an outage.
        let slot = rng.below(live_max as u64) as usize;
        let old = core::mem::replace(&mut live[slot], new);
        assert!(old.first() == old.last(), "two blocks overlap");
        bytes -= old.len();
        if round % 50_000 == 0 {
            live.truncate(live_max / 50);
            bytes = live.iter().map(Vec::len).sum();
        }
    }
    (grown_since(pages_before), bytes_max)
}

#[wasm_bindgen_test]
fn a_long_visit_needs_no_more_memory_than_its_busiest_moment() {
    for (seed, live_max) in [(1, 2_000), (2, QUEUED_EVENTS)] {
        let (grown, bytes_max) = long_visit(seed, live_max);
        assert!(
            grown < bytes_max,
            "{grown} bytes for at most {bytes_max} at a time"
        );
    }
}

/// Events gather while nothing gets out, and leave in their order, every batch once for each destination.
fn outage(rng: &mut Rng) {
    let mut queue: VecDeque<Vec<u8>> = VecDeque::new();
    for number in 0..QUEUED_EVENTS {
        queue.push_back(block(100 + rng.below(900) as usize, number as u8));
    }
    while !queue.is_empty() {
        let batch = BATCH_EVENTS.min(queue.len());
        let bodies: Vec<Vec<u8>> = (0..DESTINATIONS)
            .map(|_| queue.range(..batch).flatten().copied().collect())
            .collect();
        assert!(bodies.iter().all(|body| *body == bodies[0]));
        queue.drain(..batch);
    }
}

#[wasm_bindgen_test]
fn one_outage_after_another_needs_no_more_memory_than_the_first() {
    let mut rng = Rng::new(3);
    outage(&mut rng);
    let pages_before = memory_size(0);
    for _ in 0..5 {
        outage(&mut rng);
    }
    // The sizes differ by the seed, some per cent of them at most.
    assert!(grown_since(pages_before) <= 8 * PAGE_BYTES);
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
