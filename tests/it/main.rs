//! One integration binary, a module a subject: each binary links all of polars.

mod frames;
mod lcg;
mod peers;
