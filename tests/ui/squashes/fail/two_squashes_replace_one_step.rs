migrate_core::embed_migrations! { users => "ui/two_squashes_replace_one_step" }

fn main() {}
