//! What every database must do alike: one file per promise. The tests ask for capabilities; what
//! the databases spell differently stands in `sql.rs`.

mod agreed;
mod apply;
mod audit;
mod back;
mod back_errors;
mod back_interrupted;
mod back_resume;
mod back_untouched;
mod cancel;
mod cost;
mod cut_off;
mod drift;
mod dry_run;
mod fake;
mod functions;
mod interrupted;
mod lease;
mod lease_life;
mod leftovers;
mod lost_rows;
mod non_atomic;
mod odd_names;
mod one;
mod order;
mod prune;
mod reading;
mod records;
mod refusals;
mod runtimes;
mod single_transaction;
mod sql;
mod sqlite;
mod squash;
mod squashed;
mod texts;
