//! One integration binary, a module a subject: each binary links all of polars.

mod cli;
mod frames;
mod gen_d;
mod gen_e;
mod hospital;
mod identities;
mod interventions;
mod layering;
mod lcg;
mod models;
mod oaxaca;
mod peers;
mod real;
mod relatives;
mod sensitivity;
