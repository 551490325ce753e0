migrate_core::embed_migrations! { Users => "ui/common" }

fn main() {}
