migrate_core::embed_migrations! {
    users => "ui/common",
    users => "ui/memory",
}

fn main() {}
