//! One integration binary, a module a subject: each binary links all of polars.

mod frames;
mod identities;
mod layering;
mod lcg;
mod models;
mod peers;
