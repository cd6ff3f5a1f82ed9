-- vi: Số tiền nào còn bị giữ lại hoặc chưa phân bổ, vì sao, và nằm ở tệp nào?
-- en: Which money is held back or not allocated, why, and in which files?
SELECT refused.dataset, refused.rule, refused.source_file, refused.first_row_number,
       refused.rows,
       CAST(refused.amount / 1000000 AS DECIMAL(20, 1)) AS amount_million
FROM latest.mart_quarantine AS refused
ORDER BY refused.amount DESC, refused.dataset, refused.rule, refused.source_file
