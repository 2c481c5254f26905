/** The SQL that reads and writes the schema's version. */

export const HAS_SCHEMA_INFO = `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'SCHEMA_INFO'`;

export const READ_SCHEMA_INFO = 'SELECT version, oldest_allowed FROM SCHEMA_INFO';

export const WRITE_SCHEMA_INFO = 'INSERT OR REPLACE INTO SCHEMA_INFO (one, version, oldest_allowed) VALUES (1, ?, ?)';

export const OLDEST_ALLOWED = 'SELECT oldest_allowed FROM SCHEMA_INFO';
