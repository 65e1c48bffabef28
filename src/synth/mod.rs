//! EHR tables from a stated causal model, with the true answers beside them.
