mod inner {
    migrate_core::embed_migrations! { users => "ui/common" }
}

fn main() {}
