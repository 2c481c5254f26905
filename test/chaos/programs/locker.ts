/** A process that is no pod and holds the file's write lock for a while: `locker <file> <ms>`. */
import Database from 'better-sqlite3';

const [file = '', ms = '0'] = process.argv.slice(2);
process.on('SIGINT', () => {});

const connection = new Database(file, { fileMustExist: true, timeout: 10_000 });
connection.exec('BEGIN IMMEDIATE');
// It blocks on purpose: nothing else happens here, and the end of the wait must not depend on other work.
Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
connection.exec('ROLLBACK');
connection.close();
