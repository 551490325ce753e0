migrate_core::embed_migrations! { users => "ui/squashes_replace_each_other" }

fn main() {}
