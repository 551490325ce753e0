migrate_core::embed_migrations! { users => "ui/directive_after_statement" }

fn main() {}
