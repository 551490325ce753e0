migrate_core::embed_migrations! { users => "ui/psql_command" }

fn main() {}
