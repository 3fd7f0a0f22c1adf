//! A step in chunks, for several threads.

#![allow(unsafe_code)]

pub mod shared;
