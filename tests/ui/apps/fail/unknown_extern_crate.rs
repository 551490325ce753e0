migrate_core::embed_migrations! {
    users => "ui/common",
    extern billing,
}

fn main() {}
