//! What must hold for any bytes that reach the tuner from outside, however bad they are: each function here takes a
//! document and panics where something does not hold.
//!
//! The fuzz targets in `fuzz/` search for documents that break them; this crate's tests hold them for every document that
//! was kept (`fuzz/corpus`), and for some thousand made from those.

mod report;
mod request;
mod state;

pub use report::report;
pub use request::request;
pub use state::state;
