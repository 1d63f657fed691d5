-- Targets and verdicts over the reports of a fleet.
SELECT answer.target, answer.verdict, count(*) AS images
FROM (SELECT unnest(targets) AS answer
      FROM read_json('reports/part-*', format = 'newline_delimited', sample_size = -1))
GROUP BY ALL
ORDER BY answer.target, images DESC;
