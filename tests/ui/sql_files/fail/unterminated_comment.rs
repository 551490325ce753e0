migrate_core::embed_migrations! { users => "ui/unterminated_comment" }

fn main() {}
