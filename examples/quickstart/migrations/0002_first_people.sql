-- What the old system exported: 12 teams and 6,000 people, a fifth of them typed in carelessly.
INSERT INTO teams (id, name) VALUES
    (1, 'Compilers'), (2, 'Databases'), (3, 'Fax'), (4, 'Graphics'), (5, 'Kernel'), (6, 'Networks'),
    (7, 'Numerics'), (8, 'Printing'), (9, 'Proofs'), (10, 'Robots'), (11, 'Telex'), (12, 'Typesetting');

INSERT INTO users (id, team_id, name, email)
WITH
    given (g, first_name) AS (
        SELECT 0, 'Ada' UNION ALL SELECT 1, 'Alan' UNION ALL SELECT 2, 'Barbara' UNION ALL
        SELECT 3, 'Donald' UNION ALL SELECT 4, 'Edsger' UNION ALL SELECT 5, 'Frances' UNION ALL
        SELECT 6, 'Grace' UNION ALL SELECT 7, 'Ken' UNION ALL SELECT 8, 'Margaret' UNION ALL
        SELECT 9, 'Tony'
    ),
    family (f, last_name) AS (
        SELECT 0, 'Allen' UNION ALL SELECT 1, 'Dijkstra' UNION ALL SELECT 2, 'Hamilton' UNION ALL
        SELECT 3, 'Hoare' UNION ALL SELECT 4, 'Hopper' UNION ALL SELECT 5, 'Knuth' UNION ALL
        SELECT 6, 'Liskov' UNION ALL SELECT 7, 'Lovelace' UNION ALL SELECT 8, 'Ritchie' UNION ALL
        SELECT 9, 'Thompson' UNION ALL SELECT 10, 'Turing' UNION ALL SELECT 11, 'Wirth'
    ),
    tens (t) AS (
        SELECT 0 UNION ALL SELECT 10 UNION ALL SELECT 20 UNION ALL SELECT 30 UNION ALL SELECT 40
    ),
    ones (o) AS (
        SELECT 0 UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL
        SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9
    )
SELECT
    1 + g + 10 * f + 120 * (t + o),
    1 + (g * f + t + o) % 12,
    CASE o
        WHEN 3 THEN LOWER(CONCAT(first_name, ' ', last_name))
        WHEN 7 THEN UPPER(CONCAT(first_name, ' ', last_name))
        ELSE CONCAT(first_name, ' ', last_name)
    END,
    CONCAT(first_name, '.', last_name, t + o, '@Example.com')
FROM given CROSS JOIN family CROSS JOIN tens CROSS JOIN ones;
