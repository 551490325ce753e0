migrate_core::embed_migrations! { users => "ui/cycle_through_before" }

fn main() {}
