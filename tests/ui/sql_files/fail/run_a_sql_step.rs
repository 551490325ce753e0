migrate_core::embed_migrations! { users => "ui/run_a_sql_step" }

fn main() {}
