//! A Go program to the list of what it was made of: its own build info to SPDX and CycloneDX.
