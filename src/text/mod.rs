//! Reading and writing of text: fields, JSON pieces, JSON measured. Below everything.

pub mod fields;
pub mod json;
pub mod scan;
pub mod unescape;
pub mod view;
