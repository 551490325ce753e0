migrate_core::embed_migrations! { users => "ui/unterminated_dollar_quote" }

fn main() {}
