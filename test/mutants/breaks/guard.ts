import type { Break } from '../break.js';

export const guardBreaks: readonly Break[] = [
  {
    name: 'http/guard: most routes are not guarded',
    file: 'src/http/guard/guard.ts',
    find: 'return action === undefined ? undefined : (await this.#problem(action, request, new TimeLimit()))?.toResponse();',
    replace:
      "return action !== 'steps:submit' ? undefined : (await this.#problem(action, request, new TimeLimit()))?.toResponse();",
    tests: ['test/http/roles.test.ts'],
  },
  {
    name: 'http/guard: can() permits with anything that is true to a condition',
    file: 'src/http/guard/guard.ts',
    find: 'return answer === true;',
    replace: 'return Boolean(answer);',
    tests: ['test/http/guard.test.ts'],
  },
  {
    name: 'http/guard: a server without auth serves a name that was pointed at this machine',
    file: 'src/http/guard/guard.ts',
    find: 'if (this.#isOpen && !isFromThisMachine(request))',
    replace: 'if (this.#isOpen && request.url.length === 0)',
    tests: ['test/http/guard.test.ts'],
  },
  {
    name: 'http/guard: a slow function holds a probe for as long as a request',
    file: 'src/http/guard/guard.ts',
    find: 'new TimeLimit(PROBE_MS)',
    replace: 'new TimeLimit()',
    tests: ['test/http/guard.test.ts'],
  },
  {
    name: 'http/token: the last of several tokens decides alone',
    file: 'src/http/guard/token.ts',
    find: 'matches = timingSafeEqual(each, hashed) || matches;',
    replace: 'matches = timingSafeEqual(each, hashed);',
    tests: ['test/http/guard.test.ts'],
  },
  {
    name: 'http/loopback: one loopback address of a name is enough',
    file: 'src/http/guard/loopback.ts',
    find: '!addresses.every(isLoopbackAddress)',
    replace: '!addresses.some(isLoopbackAddress)',
    tests: ['test/http/guard.test.ts'],
  },
  {
    name: 'http/read-json: a body that is longer than announced is read to its end',
    file: 'src/http/guard/read-json.ts',
    find: 'if (length + value.byteLength > maxBytes) {',
    replace: 'if (length > maxBytes * 1_000) {',
    tests: ['test/http/guard.test.ts'],
  },
  {
    name: 'http/bounded-server: a client may take for ever to send its headers',
    file: 'src/http/guard/bounded-server.ts',
    find: 'headersTimeout: limits.headersTimeoutMs,',
    replace: 'headersTimeout: 0 * limits.headersTimeoutMs,',
    tests: ['test/http/slow.test.ts'],
  },
];
