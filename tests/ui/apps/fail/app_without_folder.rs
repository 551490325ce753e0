migrate_core::embed_migrations! {
    users => "ui/common",
    memory,
}

fn main() {}
