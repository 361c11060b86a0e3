-- Rows with text, two indices, joins, groups and changes; :rows is the number of rows.
CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, city TEXT, age INTEGER);
CREATE TABLE purchase(person INTEGER, item TEXT, price REAL);

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :rows)
INSERT INTO person SELECT i, printf('name %08x', i * 2654435761 % 4294967296),
                          'city ' || (i * 31 % 97), i % 90 FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2 * :rows)
INSERT INTO purchase SELECT i * 7919 % :rows + 1, 'item ' || (i * 17 % 1009), i % 1000 / 10.0 FROM n;

CREATE INDEX person_name ON person(name);
CREATE INDEX purchase_person ON purchase(person);

SELECT city, count(*), sum(price), group_concat(DISTINCT item)
  FROM person JOIN purchase ON person.id = purchase.person
 WHERE age < 20 GROUP BY city ORDER BY city LIMIT 5;
SELECT item, avg(price) FROM purchase GROUP BY item ORDER BY 2 DESC, 1 LIMIT 5;
UPDATE person SET name = upper(name) || ' of ' || city WHERE id % 3 = 0;
DELETE FROM purchase WHERE price < 30;
SELECT count(*) FROM person a JOIN person b ON a.name = b.name;
