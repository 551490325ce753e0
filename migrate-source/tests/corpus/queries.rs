//! Functions as data migrations look: statements, rows, loops over batches.

async fn lower_emails(cx: &mut Context<'_, Postgres>) -> Result<u64> {
    let done = sqlx::query("UPDATE users SET email = lower(email) WHERE email <> lower(email)").execute(cx.conn()).await?;
    Ok(done.rows_affected())
}

async fn count_users(cx: &mut Context<'_, Sqlite>) -> Result<i64> { Ok(sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(cx.conn()).await?) }

pub async fn fill_slugs(cx: &mut Context<'_, Postgres>) -> Result<u64> {
    let mut changed = 0;
    loop {
        let rows: Vec<(i64, String)> = sqlx::query_as("SELECT id, title FROM posts WHERE slug IS NULL ORDER BY id LIMIT 500").fetch_all(cx.conn()).await?;
        if rows.is_empty() { break; }
        for (id, title) in rows {
            let slug = title.to_lowercase().split_whitespace().collect::<Vec<_>>().join("-");
            sqlx::query("UPDATE posts SET slug = $1 WHERE id = $2").bind(slug).bind(id).execute(cx.conn()).await?;
            changed += 1;
        }
    }
    Ok(changed)
}

async fn split_names(cx: &mut Context<'_, MySql>) -> Result<()> {
    let people = sqlx::query_as::<_, Person>("SELECT id, name FROM people").fetch_all(cx.conn()).await?;
    for Person { id, name } in people {
        let Some((first, last)) = name.split_once(' ') else { continue; };
        sqlx::query("UPDATE people SET first = ?, last = ? WHERE id = ?").bind(first).bind(last).bind(id).execute(cx.conn()).await?;
    }
    Ok(())
}

async fn skip_on_dry_run(cx: &mut Context<'_, Postgres>) -> Result<u64> {
    if cx.is_dry_run() { return Ok(0) }
    let total = expected(cx).await?;
    cx.progress(total, total);
    return Ok(total);
}

async fn batch_of_ids(cx: &mut Context<'_, Postgres>, range: std::ops::Range<i64>) -> Result<u64> {
    let ids: Vec<i64> = (range.start..range.end).filter(|id| id % 2 == 0).map(|id| { id * 10 }).collect();
    let done = sqlx::query("DELETE FROM sessions WHERE id = ANY($1)").bind(&ids[..]).execute(cx.conn()).await.map_err(|error| { Error::new("sessions", error) })?;
    Ok(done.rows_affected())
}

async fn merge_accounts(cx: &mut Context<'_, Postgres>) -> Result<u64> {
    let mut groups: std::collections::BTreeMap<String, Vec<i64>> = std::collections::BTreeMap::new();
    for row in sqlx::query("SELECT id, email FROM accounts ORDER BY id").fetch_all(cx.conn()).await? {
        groups.entry(row.get::<String, _>("email").to_lowercase()).or_default().push(row.get("id"));
    }
    let mut merged = 0u64;
    for (_email, ids) in groups.into_iter().filter(|(_, ids)| ids.len() > 1) {
        let (keep, rest) = ids.split_first().ok_or_else(|| Error::from("an empty group"))?;
        for id in rest { sqlx::query("UPDATE orders SET account = $1 WHERE account = $2").bind(keep).bind(id).execute(cx.conn()).await?; merged += 1; }
    }
    Ok(merged)
}

async fn read_setting(cx: &mut Context<'_, Sqlite>, key: &str) -> Result<Option<String>> {
    match sqlx::query_scalar::<_, String>("SELECT value FROM settings WHERE key = ?1").bind(key).fetch_optional(cx.conn()).await {
        Ok(Some(value)) if value.is_empty() => Ok(None),
        Ok(value) => { Ok(value) }
        Err(error) => { return Err(error.into()); }
    }
}

async fn totals_by_month(cx: &mut Context<'_, Postgres>) -> Result<()> {
    let sql = r#"
        INSERT INTO monthly (month, total)
        SELECT date_trunc('month', paid_at), sum("amount") FROM payments GROUP BY 1
    "#;
    sqlx::query(sql).execute(cx.conn()).await?;
    cx.log(format!("months: {}, of {:>8} payments", count(cx, "monthly").await?, count(cx, "payments").await?,));
    Ok(())
}

async fn rewrite_json(cx: &mut Context<'_, Postgres>) -> Result<u64> {
    let mut n = 0;
    for (id, mut value) in documents(cx).await? {
        if let Some(object) = value.as_object_mut() && let Some(old) = object.remove("colour") {
            object.insert("color".to_owned(), old);
            store(cx, id, &value).await?; n += 1
        }
    }
    Ok(n)
}

async fn with_audit_off(cx: &mut Context<'_, Postgres>) -> Result<u64> {
    let connection = cx.conn();
    sqlx::query("SET LOCAL app.audit = 'off'").execute(&mut *connection).await?;
    let done = async { sqlx::query("UPDATE t SET a = 1").execute(&mut *connection).await }.await?;
    Ok(done.rows_affected())
}

async fn stream_rows(cx: &mut Context<'_, Sqlite>) -> Result<usize> {
    let mut rows = sqlx::query("SELECT a FROM t").fetch(cx.conn());
    let mut seen = 0;
    while let Some(row) = rows.try_next().await? { let a: i64 = row.try_get(0)?; seen += usize::try_from(a).unwrap_or_default(); }
    Ok(seen)
}

async fn all_of_them(cx: &mut Context<'_, Sqlite>) -> Result<()> {
    for statement in ["DELETE FROM a", "DELETE FROM b", "DELETE FROM c"] { sqlx::query(statement).execute(cx.conn()).await?; }
    for (table, column) in [("users", "email"), ("teams", "name"), ("orders", "reference")] { trim(cx, table, column,).await?; }
    Ok(())
}

async fn verify_none_left(cx: &mut Context<'_, Postgres>) -> Result<()> {
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM users WHERE email <> lower(email)").fetch_one(cx.conn()).await?;
    if left == 0 { Ok(()) } else { Err(Error::from(format!("{left} addresses are left"))) }
}

async fn retry(cx: &mut Context<'_, MySql>) -> Result<u64> {
    let mut attempt = 0_u32;
    'attempts: loop {
        attempt += 1;
        match once(cx).await { Ok(rows) => break 'attempts Ok(rows), Err(error) if attempt < 5 && error.is_deadlock() => { continue 'attempts; } Err(error) => break Err(error), }
    }
}

async fn join_two(cx: &Context<'_, Sqlite>) -> Result<(u64, u64)> { let (a, b) = tokio::try_join!(first(cx), second(cx),)?; Ok((a, b)) }

async fn select_first(cx: &Context<'_, Sqlite>) -> Result<u64> {
    tokio::select! {
        value = first(cx) => value,
        () = cx.cancelled() => Err(Error::cancelled()),
    }
}
