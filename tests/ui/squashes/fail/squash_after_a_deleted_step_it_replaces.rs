migrate_core::embed_migrations! { users => "ui/squash_after_a_deleted_step_it_replaces" }

fn main() {}
