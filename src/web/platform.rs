//! What the engine works on in JavaScript: the platform object that an entry passes to [`start`](super::start).
//!
//! Its methods are in `pkg-template/platform`, one file for each browser API, which says why that API is used the way it is. None
//! of them throws: an exception that crosses wasm frames skips their destructors and would leave the driver locked.

use wasm_bindgen::prelude::*;

use crate::{
    engine::io::Request,
    model::{
        store::{Store, StoreError},
        time::{Instant, Now, UnixMillis},
    },
    web::words,
};

#[wasm_bindgen]
extern "C" {
    /// A page, a worker, or Node.
    #[derive(Clone, Debug)]
    pub type Platform;

    #[wasm_bindgen(method)]
    fn get(this: &Platform, key: &str) -> Option<String>;
    #[wasm_bindgen(method)]
    fn set(this: &Platform, key: &str, value: &str) -> u32;
    #[wasm_bindgen(method)]
    fn remove(this: &Platform, key: &str);
    #[wasm_bindgen(method)]
    fn keys(this: &Platform, prefix: &str) -> String;
    #[wasm_bindgen(method)]
    fn mirror(this: &Platform) -> Option<String>;
    #[wasm_bindgen(method)]
    fn set_mirror(this: &Platform, text: &str);
    #[wasm_bindgen(method)]
    fn mono(this: &Platform) -> f64;
    #[wasm_bindgen(method)]
    fn wall(this: &Platform) -> f64;
    #[wasm_bindgen(method)]
    fn send(
        this: &Platform,
        id: u32,
        means: &str,
        url: &str,
        content_type: &str,
        body: &str,
        authorization: &str,
        gzip: &str,
    );
    #[wasm_bindgen(method)]
    pub(crate) fn cancel(this: &Platform, id: u32);
    #[wasm_bindgen(method)]
    pub(crate) fn open_channel(this: &Platform);
    #[wasm_bindgen(method)]
    pub(crate) fn post(this: &Platform, text: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn close_channel(this: &Platform);
    #[wasm_bindgen(method)]
    pub(crate) fn wake_in(this: &Platform, ms: f64);
    #[wasm_bindgen(method)]
    pub(crate) fn report(this: &Platform, json: &str);
}

impl Platform {
    /// What time it is. A float that is no number becomes zero in the conversion.
    pub(crate) fn now(&self) -> Now {
        Now {
            mono: Instant(self.mono() as u64),
            wall: UnixMillis(self.wall() as u64),
        }
    }

    /// Sends `request`; what becomes of it is told by [`answered`](super::answered), possibly before this returns.
    pub(crate) fn dispatch(&self, request: &Request) {
        let means = request.means.word();
        let content_type = words::content_type(request.content_type);
        self.send(
            request.id.0,
            means,
            &request.url,
            content_type,
            &request.body,
            &request.authorization,
            words::gzip(request.gzip),
        );
    }
}

impl Store for Platform {
    fn get(&self, key: &str) -> Option<String> {
        self.get(key)
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        match Self::set(self, key, value) {
            0 => Ok(()),
            1 => Err(StoreError::QuotaExceeded),
            _ => Err(StoreError::Unavailable),
        }
    }

    fn remove(&mut self, key: &str) {
        // A browser that denies this denies reading too, and then nothing is found.
        Self::remove(self, key);
    }

    fn keys(&self, prefix: &str) -> Vec<String> {
        let found = self.keys(prefix);
        found
            .lines()
            .filter(|key| key.starts_with(prefix))
            .map(ToOwned::to_owned)
            .collect()
    }
}
