/** What a diagnosis reads of a file. Nothing here writes. */

export const QUERY_ONLY = 'PRAGMA query_only = ON';
export const JOURNAL_MODE = 'PRAGMA journal_mode';
export const PAGE_COUNT = 'PRAGMA page_count';
export const PAGE_SIZE = 'PRAGMA page_size';
export const FREE_PAGES = 'PRAGMA freelist_count';
export const SQLITE_VERSION = 'SELECT sqlite_version()';

/** Reads every page, and reports the first problem; `ok` if there is none. */
export const QUICK_CHECK = 'PRAGMA quick_check(1)';

/** Takes the write lock and gives it back, and writes nothing. */
export const LOCK = 'BEGIN IMMEDIATE';
export const UNLOCK = 'ROLLBACK';

/** The columns of every table: its_table, its_column, its_type. */
export const COLUMNS = `SELECT tables.name AS its_table, columns.name AS its_column, columns.type AS its_type
FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns WHERE tables.type = 'table'`;

/** The indexes that a statement has made, and the triggers: kind, name, its_table. */
export const INDEXES_AND_TRIGGERS = `SELECT type AS kind, name, tbl_name AS its_table FROM sqlite_schema
WHERE type IN ('index', 'trigger') AND sql IS NOT NULL`;
