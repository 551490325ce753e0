migrate_core::embed_migrations! { users => "ui/squash_names_a_step_with_and_without_app" }

fn main() {}
