use migrate_core::data_migration;

migrate_core::embed_migrations! { users => "ui/common" }

#[data_migration]
struct LowerEmails;

fn main() {}
