-- vi: Mỗi phường đã thu bao nhiêu tiền phạt vi phạm trật tự đô thị (tiểu mục 4267)?
-- en: How much in fines for urban order (item 4267) has each ward collected?
-- Other items: list them as watched_items in authority.yaml.
SELECT item.unit_name,
       CAST(item.collected_amount / 1000000 AS DECIMAL(20, 1)) AS collected_million,
       CAST(item.same_period_amount / 1000000 AS DECIMAL(20, 1)) AS last_year_million,
       CAST(item.same_period_pct AS DECIMAL(9, 1)) AS same_period_pct
FROM latest.mart_item_position AS item
WHERE item.item_code = '4267' AND item.unit_key <> 'UNALLOCATED'
ORDER BY CASE WHEN item.unit_key = 'ALL' THEN 0 ELSE 1 END, item.collected_amount DESC, item.unit_key
