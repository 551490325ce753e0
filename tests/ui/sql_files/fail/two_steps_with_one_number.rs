migrate_core::embed_migrations! { users => "ui/two_steps_with_one_number" }

fn main() {}
