//! Loads the journeys that the service offers from the files in `fixtures/`.

use migrate_core::{Context, Portable, Result, data_migration};
use serde::Deserialize;

/// The files are part of the binary, so no deploy can leave them behind.
const FILES: [&str; 2] = [
    include_str!("fixtures/diabetes.json"),
    include_str!("fixtures/knee.json"),
];

#[derive(Deserialize)]
struct Journey {
    slug: String,
    title: String,
    opening: String,
    questions: Vec<String>,
    points: Vec<Point>,
}

#[derive(Deserialize)]
struct Point {
    slug: String,
    title: String,
}

/// Loads every journey with its questions and its conversation points.
// The points are memory's, so this waits for that app's table as well as for its own.
#[data_migration(
    app = "journeys",
    after = ["0004_opening", "memory.0001_initial"],
    reverse = unload_journeys,
)]
async fn load_journeys_v1_2025_02_03(cx: &mut Context<'_, Portable>) -> Result<String> {
    let mut points = 0;
    for file in FILES {
        let journey: Journey = serde_json::from_str(file)?;
        load(cx, &journey).await?;
        points += journey.points.len();
    }
    Ok(format!("{} journeys, {points} points", FILES.len()))
}

async fn load(cx: &mut Context<'_, Portable>, journey: &Journey) -> Result<()> {
    let slug = journey.slug.as_str();
    cx.execute(
        "INSERT INTO journeys (slug, title, opening) VALUES (?, ?, ?)",
        &[
            slug.into(),
            journey.title.as_str().into(),
            journey.opening.as_str().into(),
        ],
    )
    .await?;
    for (position, body) in (1_i64..).zip(&journey.questions) {
        cx.execute(
            "INSERT INTO questions (journey, position, body) VALUES (?, ?, ?)",
            &[slug.into(), position.into(), body.as_str().into()],
        )
        .await?;
    }
    for point in &journey.points {
        cx.execute(
            "INSERT INTO conversation_points (slug, journey, title) VALUES (?, ?, ?)",
            &[
                point.slug.as_str().into(),
                slug.into(),
                point.title.as_str().into(),
            ],
        )
        .await?;
    }
    Ok(())
}

/// Removes what was loaded; questions and points go with their journey.
async fn unload_journeys(cx: &mut Context<'_, Portable>) -> Result<u64> {
    let mut removed = 0;
    for file in FILES {
        let journey: Journey = serde_json::from_str(file)?;
        let delete = "DELETE FROM journeys WHERE slug = ?";
        removed += cx.execute(delete, &[journey.slug.as_str().into()]).await?;
    }
    Ok(removed)
}
