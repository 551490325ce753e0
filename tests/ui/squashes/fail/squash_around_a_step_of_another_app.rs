migrate_core::embed_migrations! {
    users => "ui/squash_around_a_step_of_another_app",
    memory => "ui/after_a_step_of_users",
}

fn main() {}
