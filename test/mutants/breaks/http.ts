/** Breaks of the HTTP API: what is validated, what is hidden, and how often the store is asked. */
import type { Break } from '../break.js';

const API = 'test/http/api.test.ts';
const ERRORS = 'test/http/api-errors.test.ts';
const POLLING = 'test/http/api-polling.test.ts';
const ORIGINAL = 'test/http/original.test.ts';
const PROBES = 'test/http/probes.test.ts';
const RECOVERY = 'test/http/recovery.test.ts';
const ROLES = 'test/http/roles.test.ts';
const SERVE = 'test/http/api-serve.test.ts';
const SLOW = 'test/http/slow.test.ts';

export const httpBreaks: readonly Break[] = [
  {
    name: 'http/handler: the guard is asked after the request has been read',
    file: 'src/http/handler.ts',
    find: 'if (refusal !== undefined) return refusal;',
    replace: 'if (refusal !== undefined) return (await request.text(), refusal);',
    tests: [ROLES],
  },
  {
    name: 'http/handler: an unexpected error is shown',
    file: 'src/http/handler.ts',
    find: "new Problem('INTERNAL', 'an unexpected error; the log of the pod has it')",
    replace: "new Problem('INTERNAL', String(error))",
    tests: [ERRORS],
  },
  {
    name: 'http/handler: a path that a later route matches too is refused by the first',
    file: 'src/http/handler.ts',
    find: 'await next();\n      return undefined;',
    replace: 'return unhandled(context);',
    tests: [API],
  },
  {
    name: 'http/submission: an error shows the args of a hidden type',
    file: 'src/http/submission.ts',
    find: "!redaction.hides(type, 'args')",
    replace: 'redaction !== undefined',
    tests: [API],
  },
  {
    name: 'http/submission: a step whose id has another payload is reported as submitted',
    file: 'src/http/submission.ts',
    find: "if (receipt !== 'mismatch') return { stepId, receipt };",
    replace: "if (receipt !== undefined) return { stepId, receipt: 'duplicate' };",
    tests: [API, ORIGINAL],
  },
  {
    name: 'http/answers: a value that is hidden is shown',
    file: 'src/http/answers/step.ts',
    find: 'value !== null && value !== undefined && redaction.hides(step.type, key)',
    replace: 'false',
    tests: [API],
  },
  {
    name: 'http/answers: a list shows values of any length',
    file: 'src/http/answers/step.ts',
    find: 'const LONGEST_LISTED = 2_048;',
    replace: 'const LONGEST_LISTED = Infinity;',
    tests: [API],
  },
  {
    name: 'http/answers: a value of any depth is written',
    file: 'src/http/answers/bounded.ts',
    find: 'if (levels === 0) return -1;',
    replace: '',
    tests: [SERVE],
  },
  {
    name: 'http/polled: calls at the same time ask once each',
    file: 'src/http/polled.ts',
    find: 'this.#expiresAt = Infinity;',
    replace: '',
    tests: [POLLING],
  },
  {
    name: 'http/fleet-polls: the counts of the queue are not shared',
    file: 'src/http/fleet-polls.ts',
    find: 'queue.stats({ maxAgeMs })',
    replace: 'queue.stats({ maxAgeMs: 0 * maxAgeMs })',
    tests: [POLLING],
  },
  {
    name: 'prometheus/create-metrics: the counts of the queue are not shared',
    file: 'src/prometheus/create-metrics.ts',
    find: 'queue.stats({ maxAgeMs })',
    replace: 'queue.stats({ maxAgeMs: 0 * maxAgeMs })',
    tests: [POLLING],
  },
  {
    name: 'http/polled: the interval begins anew with counts that were kept',
    file: 'src/http/polled.ts',
    find: 'this.#expiresAt = now - ageMs + ',
    replace: 'this.#expiresAt = now + ',
    tests: [POLLING],
  },
  {
    name: 'http/polled: a failure is kept for the whole interval',
    file: 'src/http/polled.ts',
    find: 'Math.min(FAILURE_MS, intervalMs)',
    replace: 'intervalMs',
    tests: [POLLING],
  },
  {
    name: 'http/fleet-polls: a pod that sleeps goes on counting',
    file: 'src/http/fleet-polls.ts',
    find: '(await queue.leader()).lastElectionCheckMs > ageMs',
    replace: '(await queue.leader()).lastElectionCheckMs > Infinity',
    tests: [POLLING],
  },
  {
    name: 'http/birth-times: a birth moves with each measured age',
    file: 'src/http/birth-times.ts',
    find: 'keep ? known : measured',
    replace: 'measured',
    tests: [POLLING],
  },
  {
    name: 'http/problem-of: the message of the store is shown',
    file: 'src/http/problem-of.ts',
    find: "'the store cannot be used; the log of the pod says why'",
    replace: 'error.message',
    tests: [ERRORS],
  },
  {
    name: 'http/problem-of: a field has the name that the queue knows',
    file: 'src/http/problem-of.ts',
    find: 'const field = clientField(error.field);',
    replace: 'const field = error.field;',
    tests: [API],
  },
  {
    name: 'http/validation: what is unknown is dropped',
    file: 'src/http/schemas/parts.ts',
    find: 'required, additionalProperties: false, ...more',
    replace: 'required, ...more',
    tests: [API, ORIGINAL],
  },
  {
    name: 'http/validation: metadata are shown in an error',
    file: 'src/http/validation/violation.ts',
    find: 'if (!/(^|\\.)metadata$/.test(at)) return show(value);',
    replace: 'if (at !== undefined) return show(value);',
    tests: [API],
  },
  {
    name: 'http/answers: a cycle shows the steps that failed as requeued',
    file: 'src/http/answers/recovery.ts',
    find: `    requeued: cycle.requeued.slice(0, most),
    requeued_count: cycle.requeued.length,
    failed: cycle.failed.slice(0, most),
    failed_count: cycle.failed.length,`,
    replace: `    requeued: cycle.failed.slice(0, most),
    requeued_count: cycle.failed.length,
    failed: cycle.requeued.slice(0, most),
    failed_count: cycle.requeued.length,`,
    tests: [RECOVERY],
  },
  {
    name: 'http/original-admin: a cycle counts the steps that failed as requeued',
    file: 'src/http/routes/original-admin.ts',
    find: `steps_requeued: cycle.requeued.length,
          steps_marked_terminal: cycle.failed.length,`,
    replace: `steps_requeued: cycle.failed.length,
          steps_marked_terminal: cycle.requeued.length,`,
    tests: [RECOVERY],
  },
  {
    name: 'http/original-admin: a cycle names the steps that failed as requeued',
    file: 'src/http/routes/original-admin.ts',
    find: `requeued_steps: cycle.requeued.slice(0, MOST_ENTRIES),
          terminal_steps: cycle.failed.slice(0, MOST_ENTRIES),`,
    replace: `requeued_steps: cycle.failed.slice(0, MOST_ENTRIES),
          terminal_steps: cycle.requeued.slice(0, MOST_ENTRIES),`,
    tests: [RECOVERY],
  },
  {
    name: 'http/probes: the message of the driver is shown',
    file: 'src/http/routes/probes.ts',
    find: 'reason !== undefined && QUOTING.has(reason)',
    replace: "reason === 'quoted' && QUOTING.has(reason)",
    tests: [PROBES],
  },
  {
    name: 'http/bounded-server: a connection without a request holds the end of the server',
    file: 'src/http/guard/bounded-server.ts',
    find: 'if (!this.#isServing(socket)) socket.destroy();',
    replace: 'if (socket.destroyed) socket.destroy();',
    tests: [SERVE],
  },
  {
    name: 'http/bounded-server: the first answer of a pipelined connection is taken for its last',
    file: 'src/http/guard/bounded-server.ts',
    find: '(this.#due.get(socket) ?? 1) - 1',
    replace: '0 * (this.#due.get(socket) ?? 1)',
    tests: [SLOW],
  },
];
