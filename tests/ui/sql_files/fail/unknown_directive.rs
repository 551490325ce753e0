migrate_core::embed_migrations! { users => "ui/unknown_directive" }

fn main() {}
