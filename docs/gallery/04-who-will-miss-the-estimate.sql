-- vi: Phường nào có nhiều khả năng hụt dự toán cả năm, và hụt bao nhiêu?
-- en: Which wards will probably miss their annual estimate, and by how much?
-- With more likelihood than not; of ten years like this one, eight end between p10 and p90.
SELECT ward.unit_name,
       CAST(forecast.shortfall_probability * 100 AS DECIMAL(9, 0)) AS shortfall_probability_pct,
       CAST(forecast.expected_shortfall_amount / 1000000 AS DECIMAL(20, 0)) AS expected_shortfall_million,
       CAST(forecast.estimate_amount / 1000000 AS DECIMAL(20, 0)) AS estimate_million,
       CAST(forecast.p10_amount / 1000000 AS DECIMAL(20, 0)) AS p10_million,
       CAST(forecast.p50_amount / 1000000 AS DECIMAL(20, 0)) AS p50_million,
       CAST(forecast.p90_amount / 1000000 AS DECIMAL(20, 0)) AS p90_million
FROM latest.mart_year_end_forecast AS forecast
JOIN latest.dim_unit AS ward ON ward.unit_key = forecast.unit_key
WHERE forecast.basis = 'territory' AND forecast.line_code = 'ALL' AND forecast.scenario = 'base'
  AND forecast.unit_key NOT IN ('ALL', 'UNALLOCATED') AND forecast.shortfall_probability > 0.5
ORDER BY forecast.expected_shortfall_amount DESC, forecast.unit_key
