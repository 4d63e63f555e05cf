//! How large a request may be and how long its answer may take: a time-out is a measurement.
//!
//! A batch that did not get through in time is halved, and its time-out raised; what gets through sets the size
//! of the next.

/// The longest time-out, in milliseconds.
const TIMEOUT_MS_MAX: u64 = 60_000;
/// Bodies are not made smaller than this for the sake of a slow line.
const BYTES_MIN: usize = 2 * 1024;

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Sizing {
    bytes_max: usize,
    timeout_ms_min: u64,
    bytes: usize,
    timeout_ms: u64,
}

impl Sizing {
    /// What is configured.
    #[must_use]
    pub const fn new(bytes_max: usize, timeout_ms: u64) -> Self {
        Self {
            bytes_max,
            timeout_ms_min: timeout_ms,
            bytes: bytes_max,
            timeout_ms,
        }
    }

    /// Bytes of the next body at most.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// How long the next answer may take.
    #[must_use]
    pub const fn timeout_ms(&self) -> u64 {
        self.timeout_ms
    }

    /// A body of so many bytes was more than the receiver takes.
    pub fn on_too_large(&mut self, bytes: usize) {
        let floor = BYTES_MIN.min(self.bytes_max);
        self.bytes = self.bytes.min((bytes / 2).max(floor));
    }

    /// A body of so many bytes was not answered in time.
    pub fn on_late(&mut self, bytes: usize) {
        self.on_too_large(bytes);
        self.timeout_ms = (self.timeout_ms * 2)
            .clamp(self.timeout_ms_min, TIMEOUT_MS_MAX.max(self.timeout_ms_min));
    }

    /// A body of so many bytes was answered, after so many milliseconds.
    pub fn on_answer(&mut self, bytes: usize, took_ms: u64) {
        if bytes >= self.bytes / 2 {
            self.bytes = (self.bytes * 2).min(self.bytes_max);
        }
        // One that takes its time with every request keeps what it needs.
        if took_ms * 2 < self.timeout_ms_min {
            self.timeout_ms = self.timeout_ms_min;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_line_gets_smaller_bodies_and_more_time_and_a_fast_one_large_bodies_again() {
        let mut sizing = Sizing::new(60_000, 5_000);
        sizing.on_late(54_000);
        assert_eq!((sizing.bytes(), sizing.timeout_ms()), (27_000, 10_000));
        sizing.on_late(27_000);
        assert_eq!((sizing.bytes(), sizing.timeout_ms()), (13_500, 20_000));
        (0..40).for_each(|_| sizing.on_late(100));
        assert_eq!(
            (sizing.bytes(), sizing.timeout_ms()),
            (BYTES_MIN, TIMEOUT_MS_MAX)
        );
        sizing.on_answer(100, 4_000);
        assert_eq!(
            sizing.bytes(),
            BYTES_MIN,
            "a small body says nothing about large ones"
        );
        (0..5).for_each(|_| sizing.on_answer(sizing.bytes(), 4_000));
        assert_eq!(
            sizing.timeout_ms(),
            TIMEOUT_MS_MAX,
            "a slow destination keeps its time"
        );
        sizing.on_answer(60_000, 100);
        assert_eq!((sizing.bytes(), sizing.timeout_ms()), (60_000, 5_000));
    }
}
