migrate_core::embed_migrations! { users => "ui/unterminated_string" }

fn main() {}
