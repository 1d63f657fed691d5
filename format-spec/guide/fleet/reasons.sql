-- Which rules refuse how many images, and what they ask for.
SELECT finding.rule, finding.requirement, count(DISTINCT image) AS images
FROM (SELECT image, unnest(answer.findings) AS finding
      FROM (SELECT image, unnest(targets) AS answer
            FROM read_json('reports/part-*', format = 'newline_delimited', sample_size = -1)))
WHERE finding.verdict = 'not-restorable'
GROUP BY ALL
ORDER BY images DESC
LIMIT 10;
