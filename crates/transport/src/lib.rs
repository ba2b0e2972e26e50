//! Places that images come from or go to, one file each: registries, layouts, archives, a Docker daemon.
//!
//! [`Pull`] is what a source can do, [`oci::Publish`] what a target can. Nothing here decides whether
//! something is fresh, and nothing prints.

// What all places share.
pub mod env;
pub mod error;
pub mod pull;
pub mod verify;

// A registry: where it is, who we are there, and what is said. From the wire upwards.
pub mod dns;
mod proxy;

pub mod tls;

pub mod http;

pub mod registries;

pub mod credentials;
pub mod build_proxies;
mod helper;

mod auth;
mod session;

pub mod registry;
mod resume;

// Any web server.
pub mod follow;

pub mod ahead;
pub mod push;
mod upload;

// Everything else.
mod bundle;
mod relay;
pub mod layout;

pub mod archive;
pub mod load;

pub mod docker_daemon;

pub use bundle::Name;
pub use credentials::Secret;
pub use env::Env;
pub use error::{Error, Kind, Result};
pub use http::{Client, Limits};
pub use pull::{Progress, Pull, Resolved};
pub use registries::Registries;
pub use registry::Registry;
pub use session::Options;
