//! The Dockerfile that a project without one would have had: a folder to text.
