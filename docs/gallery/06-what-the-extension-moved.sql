-- vi: Việc gia hạn và các chính sách đã dời hoặc làm mất bao nhiêu, và khi nào thu lại?
-- en: What have extensions and other measures moved or taken away, and when does it come back?
SELECT effect.shock_code, named.name_vi, named.name_en,
       CAST(effect.timing_amount / 1000000 AS DECIMAL(20, 1)) AS moved_million,
       CAST(effect.loss_amount / 1000000 AS DECIMAL(20, 1)) AS lost_million,
       CAST(effect.low_amount / 1000000 AS DECIMAL(20, 1)) AS low_million,
       CAST(effect.high_amount / 1000000 AS DECIMAL(20, 1)) AS high_million,
       effect.expected_back_by
FROM latest.mart_shock_effect AS effect
JOIN latest.dim_line AS named ON named.line_code = effect.line_code
WHERE effect.unit_key = 'ALL' AND (effect.timing_amount <> 0 OR effect.loss_amount <> 0)
ORDER BY effect.shock_code, effect.timing_amount + effect.loss_amount DESC, effect.line_code
