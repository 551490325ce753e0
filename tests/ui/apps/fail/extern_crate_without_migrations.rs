migrate_core::embed_migrations! {
    users => "ui/common",
    extern sqlx,
}

fn main() {}
