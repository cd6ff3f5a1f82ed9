-- vi: Từ kỳ giao ban quý trước đến nay, mỗi phường đã thay đổi thế nào?
-- en: What has changed in each ward since the last quarterly meeting?
-- Compared with the last night published before this quarter began; no rows where there is none.
WITH tonight AS (
    SELECT max(as_of) AS day FROM mart_unit_position
), meeting AS (
    SELECT max(known.as_of) AS day
    FROM mart_unit_position AS known CROSS JOIN tonight
    WHERE known.as_of < CAST(date_trunc('quarter', tonight.day) AS DATE)
)
SELECT stands.unit_name, stood.as_of AS meeting_on,
       CAST(stood.share_of_estimate_pct AS DECIMAL(9, 1)) AS share_then_pct,
       CAST(stands.share_of_estimate_pct AS DECIMAL(9, 1)) AS share_now_pct,
       CAST(stood.pace_gap_pp AS DECIMAL(9, 1)) AS gap_then_pp,
       CAST(stands.pace_gap_pp AS DECIMAL(9, 1)) AS gap_now_pp,
       stood.rank AS rank_then, stands.rank AS rank_now,
       CAST((stands.collected_amount - stood.collected_amount) / 1000000 AS DECIMAL(20, 1)) AS collected_since_million
FROM mart_unit_position AS stands
JOIN tonight ON stands.as_of = tonight.day
JOIN meeting ON true
JOIN mart_unit_position AS stood
  ON stood.as_of = meeting.day AND stood.unit_key = stands.unit_key
 AND stood.basis = stands.basis AND stood.estimate_version = stands.estimate_version
WHERE stands.basis = 'territory' AND stands.estimate_version = 'initial'
  AND (stands.rank IS NOT NULL OR stands.unit_key = 'ALL')
ORDER BY stands.rank NULLS LAST, stands.unit_key
