migrate_core::embed_migrations! { users => "ui/bad_directive_value" }

fn main() {}
