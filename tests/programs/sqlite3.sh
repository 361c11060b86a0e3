#!/bin/sh
# A workload for SQLite: a database in memory and one on disk, with indexes, joins, window
# functions, text search and JSON.
exec sqlite3 disk.db <<'SQL'
PRAGMA journal_mode = WAL;
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, grp INTEGER, weight REAL);
INSERT INTO item
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
    SELECT i, printf('item %x of %d', i * 2654435761 % 4294967296, i), i * 7919 % 997, i * 0.5
    FROM n;
CREATE INDEX item_by_name ON item(name);
CREATE INDEX item_by_group ON item(grp, weight);
SELECT count(*), sum(length(name)), total(weight) FROM item;
SELECT grp, count(*), max(name) FROM item GROUP BY grp ORDER BY 2 DESC, grp LIMIT 5;
SELECT count(*) FROM item a JOIN item b ON a.id = b.grp WHERE b.weight > a.weight;
SELECT sum(r) FROM
    (SELECT rank() OVER (PARTITION BY grp ORDER BY name) * id % 101 AS r FROM item);

CREATE VIRTUAL TABLE words USING fts5(body);
INSERT INTO words SELECT group_concat(name, ' ') FROM item GROUP BY grp;
SELECT count(*) FROM words WHERE words MATCH 'item AND 4242';

SELECT length(json_group_array(json_object('n', name, 'w', weight))) FROM item;
DELETE FROM item WHERE id % 3 = 0;
VACUUM;
PRAGMA integrity_check;

ATTACH ':memory:' AS scratch;
CREATE TABLE scratch.copy AS SELECT * FROM item ORDER BY name;
SELECT count(*), min(name), max(name) FROM scratch.copy;
SQL
