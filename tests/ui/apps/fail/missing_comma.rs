migrate_core::embed_migrations! {
    users => "ui/common"
    memory => "ui/memory"
}

fn main() {}
