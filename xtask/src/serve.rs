//! What runs on loopback during a test run, and ends with it.

pub mod goproxy;
pub mod registry;
