migrate_core::embed_migrations! { users => "ui/down_part_unterminated_string" }

fn main() {}
