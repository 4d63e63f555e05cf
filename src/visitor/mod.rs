//! Who the visitor is: ids, session, where he came from, what the page says of him, what he allows.

pub mod attribution;
pub mod consent;
pub mod keeper;
pub mod record;
pub mod session;
