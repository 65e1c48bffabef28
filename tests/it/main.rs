//! One integration binary, a module a subject: each binary links all of polars.

mod cli;
mod crossfit;
mod frames;
mod gen_d;
mod gen_e;
mod hospital;
mod hospital_known;
mod hospital_models;
mod hospital_run;
mod identities;
mod interventions;
mod layering;
mod lcg;
mod learners;
mod models;
mod negative_control;
mod oaxaca;
mod peers;
mod real;
mod relatives;
mod sensitivity;
mod sensitivity_learner;
mod withheld;
