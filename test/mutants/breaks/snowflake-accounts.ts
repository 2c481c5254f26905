/** Deliberate breaks of the Snowflake store: accounts with settings of their own, the kind of the tables, back-pressure. */
import type { Break } from '../break.js';

const ACCOUNTS = ['test/store/snowflake/account-settings.test.ts'];
const STATEMENTS = ['test/store/snowflake/statements.test.ts'];
const OPENING = ['test/store/snowflake/opening.test.ts'];
const KINDS = ['test/store/snowflake/table-kind.test.ts'];
const BACK_PRESSURE = ['test/store/snowflake/lock-backoff.test.ts'];

export const snowflakeAccountBreaks: readonly Break[] = [
  ...[
    ["`TIMESTAMP_INPUT_FORMAT = 'AUTO'`", 'the format of instants'],
    ["'QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE'", 'the case of quoted names'],
    ["'ROWS_PER_RESULTSET = 0'", 'the number of rows'],
    ["'JS_TREAT_INTEGER_AS_BIGINT = FALSE'", 'the shape of whole numbers'],
    ["'USE_CACHED_RESULT = FALSE'", 'the use of kept results'],
    ["'AUTOCOMMIT = TRUE'", 'autocommit'],
  ].map(([find = '', what = '']) => ({
    name: `snowflake/settings: a session inherits ${what}`,
    file: 'src/store/snowflake/session/statements.ts',
    find: `    ${find},\n`,
    replace: '',
    tests: ACCOUNTS,
  })),
  {
    name: 'snowflake/settings: the wait for a lock is as long as the statement may take',
    file: 'src/store/snowflake/session/statements.ts',
    find: 'timeoutSeconds * 0.75',
    replace: 'timeoutSeconds',
    tests: BACK_PRESSURE,
  },
  {
    name: 'snowflake/settings: the wait for a lock does not outlast a full queue',
    file: 'src/store/snowflake/session/statements.ts',
    find: 'timeoutSeconds * 0.75',
    replace: 'timeoutSeconds * 0.5',
    tests: BACK_PRESSURE,
  },
  {
    name: 'snowflake/driver-connection: a request inherits how many statements it holds',
    file: 'src/store/snowflake/session/driver-connection.ts',
    find: 'parameters: { MULTI_STATEMENT_COUNT: 1 },',
    replace: '',
    tests: ACCOUNTS,
  },
  {
    name: 'snowflake/schema: a new table inherits a collation',
    file: 'src/store/snowflake/schema.ts',
    find: 'DATA_RETENTION_TIME_IN_DAYS = 0 ${NO_COLLATION}`',
    replace: 'DATA_RETENTION_TIME_IN_DAYS = 0`',
    tests: [...STATEMENTS, ...ACCOUNTS],
  },
  {
    name: 'snowflake/columns: an INSERT probe leaves out the columns that need a value',
    file: 'src/store/snowflake/columns.ts',
    find: '/NOT NULL(?!.* DEFAULT )/',
    replace: '/NOT NULL DEFAULT/',
    tests: STATEMENTS,
  },
  {
    name: 'snowflake/opening: what another pod has made meanwhile is an error',
    file: 'src/store/snowflake/session/driver-error.ts',
    find: "return ['002002', '001430'].includes(code);",
    replace: 'return code === NONDETERMINISTIC;',
    tests: OPENING,
  },
  {
    name: 'snowflake/opening: what another pod has made is not probed',
    file: 'src/store/snowflake/opening/open-tables.ts',
    find: 'return madeAll && newest === 0;',
    replace: 'return madeAll || newest === 0;',
    tests: OPENING,
  },
  {
    name: 'snowflake/opening: columns with a collation are taken as they are',
    file: 'src/store/snowflake/opening/collation-check.ts',
    find: 'if (collated.length === 0) return;',
    replace: 'if (collated.length >= 0) return;',
    tests: OPENING,
  },
  {
    name: 'snowflake/opening: tables of the other kind are taken as they are',
    file: 'src/store/snowflake/opening/table-kinds.ts',
    find: 'if (others.length === 0) return;',
    replace: 'if (others.length <= 5) return;',
    tests: KINDS,
  },
  {
    name: 'snowflake/opening: new tables are transient whatever is there',
    file: 'src/store/snowflake/opening/table-kinds.ts',
    find: "return existing.some(({ kind }) => kind === 'permanent') ? 'permanent' : 'transient';",
    replace: "return 'transient';",
    tests: KINDS,
  },
  {
    name: 'snowflake/opening: tables that another pod makes of the other kind at the same instant stay',
    file: 'src/store/snowflake/opening/open-tables.ts',
    find: 'await refuseOtherKinds(context);',
    replace: '',
    tests: KINDS,
  },
  {
    name: 'snowflake/lock-backoff: a statement comes back while the same UPDATE holds the lock',
    file: 'src/store/snowflake/session/lock-backoff.ts',
    find: 'doubleJitterMs(exponentialMs(updateMs, LONGEST_MS / 2, tries - 1), random)',
    replace: 'exponentialMs(updateMs, LONGEST_MS / 2, tries - 1) * random',
    tests: BACK_PRESSURE,
  },
  {
    name: 'snowflake/lock-backoff: the longest UPDATE counts, which has waited for the lock',
    file: 'src/store/snowflake/session/lock-backoff.ts',
    find: 'Math.min(...this.#took)',
    replace: 'Math.max(...this.#took)',
    tests: BACK_PRESSURE,
  },
  {
    name: 'snowflake/lock-backoff: pauses do not grow',
    file: 'src/store/snowflake/session/lock-backoff.ts',
    find: 'exponentialMs(updateMs, LONGEST_MS / 2, tries - 1)',
    replace: 'exponentialMs(updateMs, LONGEST_MS / 2, 0 * tries)',
    tests: BACK_PRESSURE,
  },
  {
    name: 'snowflake/lock-backoff: what was measured long ago counts for ever',
    file: 'src/store/snowflake/session/lock-backoff.ts',
    find: 'if (this.#took.push(tookMs) > REMEMBERED) this.#took.shift();',
    replace: 'this.#took.push(tookMs);',
    tests: BACK_PRESSURE,
  },
  {
    name: 'snowflake/store-calls: an INSERT is measured as an UPDATE',
    file: 'src/store/snowflake/session/store-calls.ts',
    find: 'if (!/^\\s*UPDATE\\b/.test(statement[0])) return session.run(...statement);',
    replace: '',
    tests: BACK_PRESSURE,
  },
  {
    name: 'snowflake/error-mapping: a refused key says nothing of the clock',
    file: 'src/store/snowflake/session/error-mapping.ts',
    find: 'if (error.code === KEY_REFUSED) {',
    replace: "if (error.code === '') {",
    tests: ['test/store/snowflake/authentication.test.ts'],
  },
];
