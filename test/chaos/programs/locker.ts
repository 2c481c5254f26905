/** Somebody who is no pod and holds the file's write lock for a while: `locker <file> <ms>`. */
import Database from 'better-sqlite3';

const [file = '', ms = '0'] = process.argv.slice(2);
process.on('SIGINT', () => {});

const connection = new Database(file, { fileMustExist: true, timeout: 10_000 });
connection.exec('BEGIN IMMEDIATE');
// Asleep on purpose: there is nothing else to do here, and the end of the sleep must not wait for anybody.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
connection.exec('ROLLBACK');
connection.close();
