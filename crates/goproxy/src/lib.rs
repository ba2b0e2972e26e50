//! Go's module protocol: a module's version to its verified zip.
