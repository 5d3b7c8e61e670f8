//! Table `operator_grant`.

use std::collections::HashMap;

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, query};

use crate::domain::people::{Grant, Scope};
use crate::server::store::Columns;

/// Gives an operator a role at a scope, replacing the former role there.
pub async fn put(conn: &mut AnyConnection, operator: &str, grant: &Grant) -> sqlx::Result<()> {
    query(
        "INSERT INTO operator_grant (operator, app_id, role) VALUES ($1, $2, $3) \
         ON CONFLICT (operator, app_id) DO UPDATE SET role = $3",
    )
    .bind(operator)
    .bind(grant.scope.as_str())
    .bind(grant.role.as_str())
    .execute(conn)
    .await?;
    Ok(())
}

/// Removes an operator's role at a scope. Returns false if there was none.
pub async fn delete(conn: &mut AnyConnection, operator: &str, scope: &Scope) -> sqlx::Result<bool> {
    let done = query("DELETE FROM operator_grant WHERE operator = $1 AND app_id = $2")
        .bind(operator)
        .bind(scope.as_str())
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes all roles of an operator.
pub async fn delete_of(conn: &mut AnyConnection, operator: &str) -> sqlx::Result<()> {
    query("DELETE FROM operator_grant WHERE operator = $1")
        .bind(operator)
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns the roles of an operator; `None` where the name has no enabled account.
pub async fn of_enabled(
    conn: &mut AnyConnection,
    operator: &str,
) -> sqlx::Result<Option<Vec<Grant>>> {
    let rows = query(
        "SELECT app_id, role FROM operator LEFT JOIN operator_grant ON operator_grant.operator = operator.name \
         WHERE operator.name = $1 AND operator.enabled = 1",
    )
    .bind(operator)
    .fetch_all(conn)
    .await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut grants = Vec::new();
    for row in &rows {
        // For an operator without roles, the join returns one row without a grant.
        if row.text_opt("app_id")?.is_some() {
            grants.push(grant(row)?);
        }
    }
    Ok(Some(grants))
}

/// Returns the roles of an operator.
pub async fn of(conn: &mut AnyConnection, operator: &str) -> sqlx::Result<Vec<Grant>> {
    let rows = query("SELECT app_id, role FROM operator_grant WHERE operator = $1")
        .bind(operator)
        .fetch_all(conn)
        .await?;
    rows.iter().map(grant).collect()
}

/// Returns the roles of all operators by name, each operator's sorted by app.
pub async fn all(conn: &mut AnyConnection) -> sqlx::Result<HashMap<String, Vec<Grant>>> {
    let rows = query("SELECT * FROM operator_grant ORDER BY operator, app_id")
        .fetch_all(conn)
        .await?;
    let mut grants = HashMap::<_, Vec<_>>::new();
    for row in &rows {
        let of = grants.entry(row.text("operator")?).or_default();
        of.push(grant(row)?);
    }
    Ok(grants)
}

fn grant(row: &AnyRow) -> sqlx::Result<Grant> {
    Ok(Grant {
        scope: Scope::of(&row.text("app_id")?),
        role: row.word("role")?,
    })
}
