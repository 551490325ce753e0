migrate_core::embed_migrations! { users => "ui/two_squashes_replace_one_deleted_step" }

fn main() {}
