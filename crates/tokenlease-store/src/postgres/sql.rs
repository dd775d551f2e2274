//! The table and its SQL statements.

/// The SQL statement that creates the table if it does not exist. Times are in milliseconds since
/// 1970 by the server's clock. The column `record` is encrypted.
pub const MIGRATION: &str = "\
create table if not exists tokenlease (
    key          text   primary key, -- SHA-256 of the identity
    revision     bigint not null default 0,
    record       bytea,              -- none: there is only a lock
    ends_at      bigint,             -- none: never
    owner        text,
    locked_until bigint
);
";

macro_rules! now {
    () => {
        "(extract(epoch from clock_timestamp()) * 1000)::bigint"
    };
}

// A revision is the time in microseconds, or the last revision plus 1 if that is more. So none is
// used twice, even if the row was deleted meanwhile.
macro_rules! micros {
    () => {
        "(extract(epoch from clock_timestamp()) * 1000000)::bigint"
    };
}

macro_rules! if_stored {
    ($column:literal) => {
        concat!(
            "case when r.record is not null and (r.ends_at is null or r.ends_at > ",
            now!(),
            ") then r.",
            $column,
            " end"
        )
    };
}

// The last column is the owner of the lock, if the lock is taken.
pub(super) const LOAD: &str = concat!(
    "select ",
    now!(),
    " as now, ",
    if_stored!("revision"),
    ", ",
    if_stored!("record"),
    ", case when r.locked_until > ",
    now!(),
    " then r.owner end ",
    "from (select 1) as one left join tokenlease as r on r.key = $1"
);

pub(super) const INSERT: &str = concat!(
    "insert into tokenlease as r (key, revision, record, ends_at) ",
    "values ($1, ",
    micros!(),
    ", $2, ",
    now!(),
    " + $3) ",
    "on conflict (key) do update set revision = greatest(r.revision + 1, excluded.revision), ",
    "record = excluded.record, ends_at = excluded.ends_at ",
    "where r.record is null or r.ends_at <= ",
    now!(),
    " ",
    "returning ",
    now!(),
    " as now, revision"
);

pub(super) const UPDATE: &str = concat!(
    "update tokenlease set revision = greatest(revision + 1, ",
    micros!(),
    "), ",
    "record = $2, ends_at = ",
    now!(),
    " + $3 ",
    "where key = $1 and revision = $4 and record is not null ",
    "and (ends_at is null or ends_at > ",
    now!(),
    ") ",
    "returning ",
    now!(),
    " as now, revision"
);

pub(super) const LOCK: &str = concat!(
    "insert into tokenlease as r (key, owner, locked_until) values ($1, $2, ",
    now!(),
    " + $3) ",
    "on conflict (key) do update set owner = excluded.owner, ",
    "locked_until = excluded.locked_until ",
    "where r.owner is null or r.owner = excluded.owner or r.locked_until <= ",
    now!(),
    " ",
    "returning true"
);

pub(super) const RENEW: &str = concat!(
    "update tokenlease set locked_until = ",
    now!(),
    " + $3 ",
    "where key = $1 and owner = $2 and locked_until > ",
    now!(),
    " returning true"
);

pub(super) const UNLOCK: &str =
    "update tokenlease set owner = null, locked_until = null where key = $1 and owner = $2";

pub(super) const ANY: &str = concat!(
    "select true from tokenlease where record is not null and (ends_at is null or ends_at > ",
    now!(),
    ") limit 1"
);

pub(super) const CLEAR: &str = concat!(
    "delete from tokenlease where (record is null or ends_at < ",
    now!(),
    " - 86400000) ",
    "and (owner is null or locked_until < ",
    now!(),
    " - 86400000)"
);
