migrate_core::embed_migrations! { users => "ui/squash_names_a_step_twice" }

fn main() {}
