-- vi: Toàn quận thu được bao nhiêu so với cùng kỳ năm trước, theo từng khoản thu?
-- en: How does the district stand against the same period of last year, line by line?
SELECT line.line_code, named.name_vi, named.name_en,
       CAST(line.collected_amount / 1000000 AS DECIMAL(20, 1)) AS collected_million,
       CAST(line.same_period_amount / 1000000 AS DECIMAL(20, 1)) AS last_year_million,
       CAST((line.collected_amount - line.same_period_amount) / 1000000 AS DECIMAL(20, 1)) AS change_million,
       CAST(line.same_period_pct AS DECIMAL(9, 1)) AS same_period_pct,
       CAST(line.share_of_estimate_pct AS DECIMAL(9, 1)) AS share_of_estimate_pct
FROM latest.mart_line_position AS line
JOIN latest.dim_line AS named ON named.line_code = line.line_code
WHERE line.unit_key = 'ALL' AND line.basis = 'territory' AND line.estimate_version = 'initial'
ORDER BY line.collected_amount DESC, line.line_code
