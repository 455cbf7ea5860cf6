"""The one database, of jobs and of keys: how it is reached, its tables, and the steps by which they came to be."""
