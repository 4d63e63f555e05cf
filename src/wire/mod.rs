//! What goes to the collector. One file per format; all of them splice JSON text that is already
//! serialised, so nothing here walks values.

pub mod envelope;
