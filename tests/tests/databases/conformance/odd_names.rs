//! Databases whose names hold quotes, dashes, upper case and other alphabets.

use migrate_core::{Migrator, Target};
use migrate_tests::{Connection, Db, Function, TestDatabase, done, each_database, steps};

use super::sql::ITEM;

each_database! {
    servers: odd_database_names_work;
}

const ODD: [&str; 8] = [
    "with-dash",
    "UPPER Case",
    "quo\"te",
    "it's",
    "back`tick",
    "ünïcode",
    "question?mark",
    "percent%20",
];

async fn odd_database_names_work(db: Db) {
    let home = TestDatabase::create(db).await;
    for odd in ODD {
        let name = format!("{odd} {}", home.name());
        let quoted = match db {
            Db::MySql => format!("`{}`", name.replace('`', "``")),
            _ => format!("\"{}\"", name.replace('"', "\"\"")),
        };
        home.execute(&format!("CREATE DATABASE {quoted}")).await;
        let worked = tokio::spawn(use_it(db, home.url().to_owned(), name)).await;
        home.execute(&format!("DROP DATABASE {quoted}")).await;
        if let Err(error) = worked {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

async fn use_it(db: Db, home: String, name: String) {
    let function = Function::new("fill_v1_2026_01_02", |cx| {
        Box::pin(async move {
            let sql = "INSERT INTO item VALUES (?, ?)";
            done(cx.execute(sql, &[1.into(), "?".into()]).await?)
        })
    })
    .after(&["0001_initial"])
    .build();
    let all = steps(&[
        ("0001_initial.sql", ITEM),
        (
            "0002_two.sql",
            "-- migrate: atomic = false\nINSERT INTO item VALUES (2, 'a')",
        ),
        ("0003_three.sql", "INSERT INTO item VALUES (3, 'a')"),
    ])
    .function(function)
    .build()
    .unwrap();
    let mut url = url::Url::parse(&home).unwrap();
    // The path takes the name as it is, with what a URL cannot hold written as %XX.
    url.path_segments_mut().unwrap().clear().push(&name);
    let by_url = Migrator::new(Target::from_url(url.as_str()).unwrap(), all.clone());
    assert_eq!(by_url.run().await.unwrap().steps.len(), 4, "{name}");
    assert!(by_url.run().await.unwrap().steps.is_empty(), "{name}");
    let mut connection = Connection::open(db, url.as_str()).await;
    assert_eq!(
        connection.rows("SELECT count(*) FROM item").await,
        [[Some("3".to_owned())]],
        "{name}"
    );
    connection.close().await;
    assert_eq!(by_url.status().await.unwrap().pending, 0);
    assert_eq!(
        by_url
            .dry_run_step("fill_v1_2026_01_02", true)
            .await
            .unwrap_err()
            .code(),
        migrate_core::ErrorCode::StepFailed
    );
    by_url.unmark("0003", Some("odd")).await.unwrap();
    by_url.mark("0003", Some("odd")).await.unwrap();
    // And from a pool's options.
    macro_rules! pool {
        ($pool:ty, $options:ty) => {{
            let options: $options = home.parse().unwrap();
            let pool = <$pool>::new()
                .max_connections(1)
                .connect_lazy_with(options.database(&name));
            assert!(
                Migrator::new(&pool, all)
                    .run()
                    .await
                    .unwrap()
                    .steps
                    .is_empty(),
                "{name}"
            );
            pool.close().await;
        }};
    }
    match db {
        Db::Postgres => pool!(
            sqlx::postgres::PgPoolOptions,
            sqlx::postgres::PgConnectOptions
        ),
        _ => pool!(
            sqlx::mysql::MySqlPoolOptions,
            sqlx::mysql::MySqlConnectOptions
        ),
    }
}
