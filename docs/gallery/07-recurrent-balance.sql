-- vi: Thu để chi thường xuyên có đủ cho chi thường xuyên cả năm không?
-- en: Will revenue for recurrent spending cover recurrent spending over the year?
-- Cover counts the year's balancing transfer. Headroom is what has come, with the part of the transfer that may be
-- drawn by tonight, less what was spent: below zero, the upper budget has advanced it.
SELECT ward.unit_name,
       CAST(balance.recurrent_p50_amount / 1000000 AS DECIMAL(20, 0)) AS revenue_p50_million,
       CAST(balance.transfer_estimate_amount / 1000000 AS DECIMAL(20, 0)) AS transfer_million,
       CAST(balance.recurrent_spending_estimate_amount / 1000000 AS DECIMAL(20, 0)) AS spending_million,
       CAST(balance.cover_ratio * 100 AS DECIMAL(9, 0)) AS cover_pct,
       CAST(balance.gap_probability * 100 AS DECIMAL(9, 0)) AS gap_probability_pct,
       CAST(balance.recurrent_headroom_amount / 1000000 AS DECIMAL(20, 0)) AS headroom_million,
       balance.balance_status
FROM latest.mart_recurrent_balance AS balance
JOIN latest.dim_unit AS ward ON ward.unit_key = balance.unit_key
WHERE balance.unit_key <> 'UNALLOCATED'
ORDER BY balance.cover_ratio NULLS LAST, balance.unit_key
