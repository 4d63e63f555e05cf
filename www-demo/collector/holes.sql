-- Lost events: per tab, the ranges of sequence numbers that never arrived and that nobody explained.
--
-- A tab numbers its events 1, 2, 3, … without a gap. So every number up to the highest one heard of
-- must be a stored event, a tombstone (the client gave it up and said why: `dropped`), or an event
-- that arrived but was invalid (`refused`). What is left over is a hole.
--
-- A hole in a tab that is still sending may just be on its way (an adopted or retried batch):
-- `last_heard` tells when the tab was last heard of, so ask again later, or look at old tabs only.
-- Numbers after the last one heard of cannot be seen from here.
--
--   collector sql --db collector.db - < holes.sql
WITH covered (project, tab, from_seq, to_seq, received_at) AS (
    SELECT project, tab, seq, seq, received_at FROM events WHERE tab IS NOT NULL AND seq IS NOT NULL
    UNION ALL
    SELECT project, tab, from_seq, to_seq, received_at FROM dropped
    UNION ALL
    SELECT project, tab, seq, seq, received_at FROM refused WHERE tab IS NOT NULL AND seq IS NOT NULL
),
-- Ranges may overlap, so what counts is how far everything before a range reached, not the range
-- just before it.
ordered AS (
    SELECT
        project, tab, from_seq,
        coalesce(max(to_seq) OVER (
            PARTITION BY project, tab ORDER BY from_seq, to_seq
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ), 0) AS reached,
        max(received_at) OVER (PARTITION BY project, tab) AS last_heard
    FROM covered
)
SELECT
    project,
    tab,
    reached + 1 AS missing_from,
    from_seq - 1 AS missing_to,
    from_seq - reached - 1 AS missing,
    last_heard
FROM ordered
WHERE from_seq > reached + 1
ORDER BY project, tab, missing_from;
