-- vi: Các dự báo trước đây đúng đến mức nào, so với cách ước bằng bảng tính?
-- en: How good were past forecasts, beside what a spreadsheet gives?
-- Units' year-ends, all lines; error is the sum of absolute errors over the sum of what came. No rows until
-- wardcast backtest has run or a year that was forecast is over.
SELECT source, months_elapsed, method,
       count(*) AS years,
       CAST(sum(wape_pct * n) / sum(n) AS DECIMAL(9, 1)) AS error_pct,
       CAST(sum(coverage80_pct * n) / sum(CASE WHEN coverage80_pct IS NOT NULL THEN n END) AS DECIMAL(9, 0))
           AS within_80_range_pct
FROM mart_forecast_accuracy
WHERE basis = 'territory' AND line_code = 'ALL' AND n > 0 AND wape_pct IS NOT NULL
GROUP BY source, months_elapsed, method
ORDER BY source, months_elapsed, sum(wape_pct * n) / sum(n), method
