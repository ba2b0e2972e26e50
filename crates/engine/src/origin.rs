//! Where images are fetched from: a registry or a layout folder, behind one trait.

use std::sync::{Arc, OnceLock};

use oci::Reference;
use transport::layout;
use transport::{Client, Env, Limits, Options, Pull, Registries, Registry};

/// A place that has an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A registry.
    Registry(Reference),
    /// An OCI layout folder, with `:TAG` or `@DIGEST` behind it if it has several images.
    Layout(String),
}

/// Opens places. The registry client is made at first use: a build without network needs none.
#[derive(Default)]
pub struct Origins {
    registry: OnceLock<Result<Registry, String>>,
}

impl Origins {
    /// The registry client.
    ///
    /// # Errors
    /// If its configuration can't be read.
    pub fn registry(&self) -> Result<Registry, String> {
        self.registry.get_or_init(connect).clone()
    }

    /// A place, ready to be asked.
    ///
    /// # Errors
    /// If it isn't there.
    pub fn open(&self, place: &Place) -> Result<Arc<dyn Pull>, String> {
        match place {
            Place::Registry(name) => Ok(Arc::new(self.registry()?.source(name))),
            Place::Layout(spec) => {
                let layout = layout::Source::open(spec).map_err(|e| e.to_string())?;
                Ok(Arc::new(layout))
            }
        }
    }
}

/// Reads the configuration; nothing is sent yet.
fn connect() -> Result<Registry, String> {
    let env = Env::process();
    let registries = Registries::load(&env).map_err(|e| e.to_string())?;
    Ok(Registry::new(Client::new(env, Limits::default()), registries, Options::default()))
}
