//! Result tables -> one self-contained report.html; reads tables only.
