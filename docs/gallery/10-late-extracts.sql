-- vi: Những số liệu nào về chậm hoặc chưa về, và vì thế số của phường nào còn thiếu?
-- en: Which extracts are late or missing, and whose figures are therefore not whole?
SELECT arrival.form_code, ward.unit_name, arrival.status, arrival.expected_at, arrival.received_at,
       arrival.last_complete_day, arrival.missing_periods
FROM latest.mart_extract_arrival AS arrival
JOIN latest.dim_unit AS ward ON ward.unit_key = arrival.unit_key
WHERE arrival.status IN ('late', 'missing')
ORDER BY arrival.status DESC, arrival.expected_at, arrival.form_code, ward.sort_order, arrival.unit_key
