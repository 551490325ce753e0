migrate_core::embed_migrations! { users => "ui/pragma_journal_mode" }

fn main() {}
