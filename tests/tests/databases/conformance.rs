//! What every database must do alike: one file per promise. The tests ask for capabilities; what
//! the databases spell differently stands in `sql.rs`.

mod apply;
mod functions;
mod non_atomic;
mod order;
mod sql;
mod texts;
