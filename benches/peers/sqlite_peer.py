"""The peer of `qcc sync`: the same archive into the same table, as one writes it in Python.

sqlite_peer.py ARCHIVE PASSWORD DATABASE MIGRATIONS

pyzipper decrypts, orjson parses, sqlite3 writes in one transaction. The schema, with its
indexes, is the project's own: the SQL files of the folder MIGRATIONS, in order. Needs
`pip install pyzipper orjson`.
"""
import glob, os, sqlite3, sys

import orjson, pyzipper

FIELDS = ("corpKeyNo", "corpName", "monitorContent", "monitorLevel", "monitorType", "score", "changeDate")

# The version that is pushed last stands; of equal ones, the order number and the position decide.
UPSERT = """
INSERT INTO risk_records (id, corp_key_no, corp_name, monitor_content, monitor_level, monitor_type,
                          score, change_date, push_date, order_no, position)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET
    corp_key_no = excluded.corp_key_no, corp_name = excluded.corp_name,
    monitor_content = excluded.monitor_content, monitor_level = excluded.monitor_level,
    monitor_type = excluded.monitor_type, score = excluded.score, change_date = excluded.change_date,
    push_date = excluded.push_date, order_no = excluded.order_no, position = excluded.position
WHERE (excluded.push_date, excluded.order_no, excluded.position)
    > (risk_records.push_date, risk_records.order_no, risk_records.position)
"""


def main(archive, password, database, migrations):
    with pyzipper.AESZipFile(archive) as file:
        file.setpassword(password.encode())
        document = orjson.loads(file.read("dd_risk_corp.json"))
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    for path in sorted(glob.glob(os.path.join(migrations, "*.sql"))):
        with open(path, encoding="utf-8") as sql:
            connection.executescript(sql.read())
    pushed = document["pushDate"]
    rows = (
        (record["id"], *map(record.get, FIELDS), pushed, "DDMON0", position)
        for position, record in enumerate(document["result"])
    )
    connection.execute("BEGIN IMMEDIATE")
    connection.executemany(UPSERT, rows)
    connection.execute("COMMIT")
    (count,) = connection.execute("SELECT count(*) FROM risk_records").fetchone()
    if count != document["totalSize"]:
        sys.exit(f"{count} rows of {document['totalSize']} records")


main(*sys.argv[1:])
