/** Deliberate breaks of what the Snowflake store does about its driver, and of texts that Snowflake refuses. */
import type { Break } from '../break.js';

const REQUESTS = {
  file: 'src/store/snowflake/session/http-requests.ts',
  tests: ['test/store/snowflake/http-requests.test.ts'],
} as const;
const CONNECTION = {
  file: 'src/store/snowflake/session/driver-connection.ts',
  tests: ['test/store/snowflake/session.test.ts'],
} as const;
const DRIVER = {
  file: 'src/store/snowflake/session/driver.ts',
  tests: ['test/store/snowflake/driver.test.ts'],
} as const;

/** What the driver sends, and what a session does about it. */
const sessions: readonly Break[] = [
  {
    ...CONNECTION,
    name: 'snowflake/driver-connection: the handle of a statement outlives its answer',
    find: '          this.#statement = undefined; // it holds its rows\n',
    replace: '',
    tests: ['test/store/snowflake/driver-connection.test.ts'],
  },
  {
    ...CONNECTION,
    name: 'snowflake/driver-connection: the request of a statement that is given up stays in flight',
    find: '    this.#requests.giveUpStatements();\n',
    replace: '',
    tests: ['test/store/snowflake/http-requests.test.ts'],
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: a statement that is given up is sent again by the driver',
    find: 'this.#statementsGivenUp && isOfStatement(request)',
    replace: 'false',
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: the driver repeats what failed, and logins are ended instead',
    find: 'REPEATED.test(request.path) && !isLogin',
    replace: 'REPEATED.test(request.path) && isLogin',
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: what is under way goes on after close',
    find: '    for (const request of this.#inFlight) end(request);\n',
    replace: '',
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: requests begin after close',
    find: 'const isGivenUp = this.#closed || (',
    replace: 'const isGivenUp = (',
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: the driver repeats parts of large results by itself',
    find: ' || (part !== undefined && this.#failedParts.delete(part))',
    replace: '',
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: a part that has arrived counts as failed',
    find: 'arrived || this.#failedParts.add(part)',
    replace: 'this.#failedParts.add(part)',
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: a question for a result counts as a repetition',
    find: "method === 'GET' && !path.startsWith(POLL)",
    replace: "method === 'GET'",
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: other errors are repeated, and those that the driver would repeat are not',
    find: 'codeOf(error.cause) !== ENDED',
    replace: 'codeOf(error.cause) === ENDED',
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: a request is repeated for twenty minutes',
    find: 'const REPEAT_LIMIT_MS = 120_000;',
    replace: 'const REPEAT_LIMIT_MS = 1_200_000;',
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: the pauses do not grow',
    find: 'doubledMs(pauseMs, mostMs)',
    replace: 'doubledMs(pauseMs / 2, mostMs)',
  },
  {
    ...REQUESTS,
    name: "snowflake/http-requests: an agent of the user's own is replaced",
    find: '{ agentClass, ...options }',
    replace: '{ ...options, agentClass }',
  },
  {
    ...REQUESTS,
    name: 'snowflake/http-requests: the driver repeats a login that was ended',
    find: "const LOGIN_ENDED = 'CERT_HAS_EXPIRED';",
    replace: "const LOGIN_ENDED = 'ERR_CANCELED';",
  },
  {
    file: 'src/store/snowflake/session/departing-connections.ts',
    tests: REQUESTS.tests,
    name: 'snowflake/departing-connections: what was given up goes on after close',
    find: '    for (const connection of this.#leaving.values()) connection.endRequests();\n',
    replace: '',
  },
  {
    ...CONNECTION,
    name: 'snowflake/driver-connection: a statement that is sent again is another to Snowflake',
    find: 'const requestId = this.#runtime.uuid();',
    replace: 'const requestId = undefined as unknown as string;',
  },
  {
    ...DRIVER,
    name: 'snowflake/driver: each connection turns the log off, also where the host has configured it',
    find: 'keepingOcspServer(options === undefined',
    replace: "(sdk.configure({ logLevel: 'OFF' }), keepingOcspServer)(options === undefined",
  },
  {
    ...DRIVER,
    name: 'snowflake/driver: the log of a host is turned off',
    find: 'if (!wasLoadedByApplication)',
    replace: 'if (!wasLoadedByApplication || file !== undefined)',
  },
  {
    ...DRIVER,
    name: "snowflake/driver: a private link replaces the host's OCSP server",
    find: "if (process.env['SF_OCSP_RESPONSE_CACHE_SERVER_URL'] === undefined) setup(host);",
    replace: 'setup(host);',
  },
  {
    name: 'snowflake/error-mapping: a refused key gets no hint of its own',
    file: 'src/store/snowflake/session/error-mapping.ts',
    find: '!isRefused || !isByPassword(options)',
    replace: '!isRefused || (!isByPassword(options) && error.code === ``)',
    tests: ['test/store/snowflake/login.test.ts'],
  },
];

const TEXTS = ['test/store/snowflake/statements.test.ts'];

/** What Snowflake refuses, or reads by the account's settings. */
const texts: readonly Break[] = [
  {
    name: 'snowflake/exchange: a step may stand in two pairs',
    file: 'src/store/snowflake/exchange/statements/update-source.ts',
    find: '\n    AND ROW_NUMBER() OVER (PARTITION BY k.its_step ORDER BY w.its_token) = 1',
    replace: '',
    tests: TEXTS,
  },
  {
    name: 'snowflake/exchange: a settlement that is given twice has two source rows',
    file: 'src/store/snowflake/exchange/statements.ts',
    find: '(PARTITION BY f.value:id::VARCHAR ORDER BY f.index) = 1\n) n',
    replace: '(PARTITION BY f.value:id::VARCHAR ORDER BY f.index) <= 2\n) n',
    tests: TEXTS,
  },
  {
    name: 'snowflake/fragments: the epoch is read from a text',
    file: 'src/store/snowflake/statements/fragments.ts',
    find: 'const EPOCH = `TO_TIMESTAMP_NTZ(0, 3)`;',
    replace: "const EPOCH = `CAST('1970-01-01' AS TIMESTAMP_NTZ)`;",
    tests: TEXTS,
  },
];

export const driverBreaks: readonly Break[] = [...sessions, ...texts];
