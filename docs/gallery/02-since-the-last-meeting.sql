-- vi: Từ kỳ giao ban quý trước đến nay, mỗi phường đã thay đổi thế nào?
-- en: What has changed in each ward since the last quarterly meeting?
-- Compared with the last night published before this quarter began; no rows where there is none. Each ward's two
-- nights are laid one before the other instead of joined: a country's would be too many to pair.
WITH tonight AS (
    SELECT max(as_of) AS day FROM mart_unit_position
), meeting AS (
    SELECT max(known.as_of) AS day
    FROM mart_unit_position AS known CROSS JOIN tonight
    WHERE known.as_of < CAST(date_trunc('quarter', tonight.day) AS DATE)
), stands AS (
    SELECT ward.*, tonight.day AS tonight,
           lag(ward.as_of) OVER nights AS meeting_on,
           lag(ward.share_of_estimate_pct) OVER nights AS share_then,
           lag(ward.pace_gap_pp) OVER nights AS gap_then,
           lag(ward.rank) OVER nights AS rank_then,
           ward.collected_amount - lag(ward.collected_amount) OVER nights AS collected_since
    FROM mart_unit_position AS ward CROSS JOIN tonight CROSS JOIN meeting
    WHERE ward.basis = 'territory' AND ward.estimate_version = 'initial'
      AND ward.as_of IN (tonight.day, meeting.day)
    WINDOW nights AS (PARTITION BY ward.unit_key ORDER BY ward.as_of)
)
SELECT unit_name, meeting_on,
       CAST(share_then AS DECIMAL(9, 1)) AS share_then_pct,
       CAST(share_of_estimate_pct AS DECIMAL(9, 1)) AS share_now_pct,
       CAST(gap_then AS DECIMAL(9, 1)) AS gap_then_pp,
       CAST(pace_gap_pp AS DECIMAL(9, 1)) AS gap_now_pp,
       rank_then, rank AS rank_now,
       CAST(collected_since / 1000000 AS DECIMAL(20, 1)) AS collected_since_million
FROM stands
WHERE as_of = tonight AND meeting_on IS NOT NULL AND (rank IS NOT NULL OR unit_key = 'ALL')
ORDER BY rank NULLS LAST, unit_key
