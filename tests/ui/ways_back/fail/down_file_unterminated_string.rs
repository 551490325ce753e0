migrate_core::embed_migrations! { users => "ui/down_file_unterminated_string" }

fn main() {}
