//! One integration binary, a module a subject: each binary links all of polars.

mod cli;
mod frames;
mod hospital;
mod hospital_known;
mod hospital_models;
mod hospital_run;
mod identities;
mod layering;
mod lcg;
mod models;
mod oaxaca;
mod peers;
mod real;
mod relatives;
