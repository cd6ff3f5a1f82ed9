-- vi: Phường nào thu chậm hơn nhịp thường năm, và vì khoản thu nào?
-- en: Which wards are behind their usual pace, and because of which lines?
-- Pace: the share of a year's total that past years had reached by this day. A line's lag is what its estimate
-- should have brought by now at that line's own pace, less what came; the three largest of each ward.
WITH lagging AS (
    SELECT line.unit_key, line.line_code,
           CAST(-line.pace_gap_pp / 100 * line.estimate_amount / 1000000 AS DECIMAL(20, 1)) AS lag_million,
           row_number() OVER (
               PARTITION BY line.unit_key ORDER BY line.pace_gap_pp * line.estimate_amount, line.line_code
           ) AS place
    FROM latest.mart_line_position AS line
    WHERE line.basis = 'territory' AND line.estimate_version = 'initial'
      AND line.line_code <> 'ALL' AND line.pace_gap_pp < 0 AND line.estimate_amount > 0
)
SELECT ward.unit_name,
       CAST(ward.share_of_estimate_pct AS DECIMAL(9, 1)) AS share_pct,
       CAST(ward.pace_pct AS DECIMAL(9, 1)) AS pace_pct,
       CAST(ward.pace_gap_pp AS DECIMAL(9, 1)) AS gap_pp,
       named.name_vi AS line_vi, named.name_en AS line_en, lagging.lag_million
FROM latest.mart_unit_position AS ward
JOIN lagging ON lagging.unit_key = ward.unit_key AND lagging.place <= 3
JOIN latest.dim_line AS named ON named.line_code = lagging.line_code
WHERE ward.basis = 'territory' AND ward.estimate_version = 'initial'
  AND ward.rank IS NOT NULL AND ward.pace_gap_pp < 0
ORDER BY ward.pace_gap_pp, ward.unit_key, lagging.place
