//! Count, range, mean and percentiles of metrics, by name, tags and stretches of time; exact, since
//! every value is looked at. A percentile is the nearest rank: the smallest value that at least so
//! many per cent of the values do not exceed, which is always one of the values.

use std::collections::BTreeMap;

use rusqlite::types::ToSql;
use rusqlite::{Connection, Row};
use serde::Serialize;

use super::read::Reader;
use crate::error::ApiError;

#[derive(Debug)]
pub(crate) struct MetricFilter {
    pub(crate) name: Option<String>,
    /// All of them have to be there, with these values.
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    /// How long a stretch is; without it there is one that holds everything.
    pub(crate) bucket_seconds: Option<i64>,
    /// Of the answer, which is refused when it would be longer.
    pub(crate) buckets_max: usize,
}

/// The values of one name, type and unit.
#[derive(Debug, Serialize)]
pub(crate) struct MetricSummary {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    unit: Option<String>,
    buckets: Vec<Bucket>,
}

#[derive(Debug, Serialize)]
struct Bucket {
    /// When the stretch begins; with one stretch for all, the time of the first value.
    from: String,
    count: i64,
    sum: f64,
    min: f64,
    max: f64,
    mean: f64,
    p50: f64,
    p95: f64,
    p99: f64,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct TooManyBuckets;

impl Reader {
    pub(crate) async fn metrics(
        &self,
        project: &str,
        filter: MetricFilter,
    ) -> Result<Result<Vec<MetricSummary>, TooManyBuckets>, ApiError> {
        let project = project.to_owned();
        self.run(move |db| summaries(db, &project, &filter)).await
    }
}

/// Buckets are counted from 1970, also before it; the division of SQLite rounds towards zero.
const SUMMARIES: &str = "
    WITH values_in (name, type, unit, value, occurred_at, bucket) AS (
        SELECT name, type, unit, value, occurred_at,
               CASE WHEN ?2 IS NULL THEN NULL ELSE unixepoch(occurred_at) -
                   ((unixepoch(occurred_at) % ?2) + ?2) % ?2 END
        FROM metrics WHERE project = ?1
        -- conditions --
    ),
    ranked AS (
        SELECT *, row_number() OVER (PARTITION BY name, type, unit, bucket ORDER BY value) AS rank,
               count(*) OVER (PARTITION BY name, type, unit, bucket) AS n
        FROM values_in
    )
    SELECT name, type, unit,
           coalesce(strftime('%Y-%m-%dT%H:%M:%fZ', bucket, 'unixepoch'), min(occurred_at)) AS begins,
           n, total(value) AS sum, min(value) AS min, max(value) AS max, avg(value) AS mean,
           max(value) FILTER (WHERE rank = (n * 50 + 99) / 100) AS p50,
           max(value) FILTER (WHERE rank = (n * 95 + 99) / 100) AS p95,
           max(value) FILTER (WHERE rank = (n * 99 + 99) / 100) AS p99
    FROM ranked
    GROUP BY name, type, unit, bucket
    ORDER BY name, type, unit, bucket LIMIT ?3";

fn summaries(
    db: &Connection,
    project: &str,
    filter: &MetricFilter,
) -> rusqlite::Result<Result<Vec<MetricSummary>, TooManyBuckets>> {
    // One more than may be told, to know whether there are more.
    let limit = i64::try_from(filter.buckets_max).unwrap_or(i64::MAX - 1) + 1;
    let mut conditions = String::new();
    let mut values: Vec<&dyn ToSql> = vec![&project, &filter.bucket_seconds, &limit];
    let mut number = |value| {
        values.push(value);
        values.len()
    };
    for (condition, value) in [
        ("name =", &filter.name),
        ("occurred_at >=", &filter.from),
        ("occurred_at <", &filter.to),
    ] {
        if let Some(value) = value {
            conditions.push_str(&format!(" AND {condition} ?{}", number(value)));
        }
    }
    for (tag, value) in &filter.tags {
        let (tag, value) = (number(tag), number(value));
        conditions.push_str(&format!(
            " AND EXISTS (SELECT 1 FROM json_each(metrics.tags) AS tag
                          WHERE tag.key = ?{tag} AND tag.value = ?{value})"
        ));
    }
    let sql = SUMMARIES.replace("-- conditions --", &conditions);
    let mut statement = db.prepare_cached(&sql)?;
    let mut rows = statement.query(values.as_slice())?;
    let (mut found, mut buckets) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        buckets += 1;
        if buckets > filter.buckets_max {
            return Ok(Err(TooManyBuckets));
        }
        add(&mut found, row)?;
    }
    Ok(Ok(found))
}

/// Rows come by name, type and unit.
fn add(found: &mut Vec<MetricSummary>, row: &Row<'_>) -> rusqlite::Result<()> {
    let (name, kind, unit) = (row.get("name")?, row.get("type")?, row.get("unit")?);
    let bucket = Bucket {
        from: row.get("begins")?,
        count: row.get("n")?,
        sum: row.get("sum")?,
        min: row.get("min")?,
        max: row.get("max")?,
        mean: row.get("mean")?,
        p50: row.get("p50")?,
        p95: row.get("p95")?,
        p99: row.get("p99")?,
    };
    match found.last_mut() {
        Some(last) if last.name == name && last.kind == kind && last.unit == unit => {
            last.buckets.push(bucket);
        }
        _ => found.push(MetricSummary {
            name,
            kind,
            unit,
            buckets: vec![bucket],
        }),
    }
    Ok(())
}
