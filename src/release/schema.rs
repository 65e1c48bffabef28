//! The result tables as declared: columns, types, units, descriptions. CSV headers, SCHEMA.csv and results.json come from here.
