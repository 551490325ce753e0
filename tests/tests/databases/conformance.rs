//! What every database must do alike: one file per promise. The tests ask for capabilities; what
//! the databases spell differently stands in `sql.rs`.

mod apply;
mod drift;
mod dry_run;
mod functions;
mod interrupted;
mod non_atomic;
mod one;
mod order;
mod records;
mod sql;
mod texts;
