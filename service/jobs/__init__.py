"""Jobs: long work that survives whatever happens to the processes that do it.

    submit ──▶ jobs table ──DBOS──▶ worker ──pipe──▶ child ──▶ engine
                   ▲                   │ progress, checkpoints, result: each write fenced by the attempt's token
                   └───────────────────┘

The table is the record: what it says of a job is true. DBOS only delivers, by handing a job's id to one worker; both live in
one database, SQLite or PostgreSQL. The files, from the inside out:

    database, tables, migrations, prepare    where jobs are kept
    statuses, record, store, attempts, fleet  what is written there: by the API, by a worker about its job, about workers
    kinds, child, messages, runner           one job, done in a process of its own
    delivery, sweeper, worker                who does which job, and what happens when a process dies
"""

import os

# DBOS looks at these when it is imported, by whatever module of this package: with them it would take itself to be in its
# makers' cloud, and call there.
for name in [each for each in os.environ if each.startswith("DBOS_")]:
    del os.environ[name]
