//! One integration binary, a module a subject: each binary links all of polars.

mod cli;
mod crossfit;
mod frames;
mod identities;
mod layering;
mod lcg;
mod learners;
mod models;
mod oaxaca;
mod peers;
mod real;
mod relatives;
