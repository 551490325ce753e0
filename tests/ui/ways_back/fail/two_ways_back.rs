migrate_core::embed_migrations! { users => "ui/two_ways_back" }

fn main() {}
