/** Breaks of what runs beside the queue: the metrics and the command line. The HTTP API and its guard have lists of their own. */
import type { Break } from '../break.js';

const STATS_SOURCE = 'test/prometheus/stats-source.test.ts';
const CLI = 'test/cli/invariants.test.ts'; // the other tests run the build, which is not broken

export const besideBreaks: readonly Break[] = [
  {
    name: 'prometheus/stats-source: each scrape counts',
    file: 'src/prometheus/stats-source.ts',
    find: 'if (this.#now() >= this.#notBefore)',
    replace: 'if (this.#now() >= -Infinity * this.#notBefore ** 0)',
    tests: [STATS_SOURCE],
  },
  {
    name: 'prometheus/stats-source: a long count is followed by a short pause',
    file: 'src/prometheus/stats-source.ts',
    find: 'this.#pauseMs = Math.max(this.#deps.intervalMs, longMs);',
    replace: 'this.#pauseMs = Math.min(this.#deps.intervalMs, longMs);',
    tests: [STATS_SOURCE],
  },
  {
    name: 'prometheus/stats-source: a scrape makes a second call while one hangs',
    file: 'src/prometheus/stats-source.ts',
    find: 'this.#calling ??= this.#count();',
    replace: 'this.#calling = this.#count();',
    tests: [STATS_SOURCE],
  },
  {
    name: 'prometheus/stats-source: a pod that may not count asks the store',
    file: 'src/prometheus/stats-source.ts',
    find: 'if (!this.#deps.mayCount()) {',
    replace: 'if (!this.#deps.mayCount() && this.#counted === null) {',
    tests: [STATS_SOURCE],
  },
  {
    name: 'prometheus/stats-source: old counts are shown without end',
    file: 'src/prometheus/stats-source.ts',
    find: 'return isOld ? undefined :',
    replace: 'return isOld && ageMs < 0 ? undefined :',
    tests: [STATS_SOURCE],
  },
  {
    name: 'cli/store-option: a verb that looks creates a file and its tables',
    file: 'src/cli/store-option.ts',
    find: "env['FLEET_Q_CREATE_TABLES'] = 'false';",
    replace: "env['FLEET_Q_CREATE_TABLES'] = 'true';",
    tests: [CLI],
  },
  {
    name: 'cli/output: a pipe that is closed early is an error',
    file: 'src/cli/output/output.ts',
    find: "['EPIPE', 'ERR_STREAM_DESTROYED', 'EIO']",
    replace: "['ERR_STREAM_DESTROYED', 'EIO']",
    tests: [CLI],
  },
  {
    name: 'cli/pod-api: a redirection is followed',
    file: 'src/cli/pod-api.ts',
    find: "redirect: 'manual',",
    replace: "redirect: 'follow',",
    tests: [CLI],
  },
  {
    name: 'cli/pod-api: a token that no header can carry reaches fetch, which quotes it',
    file: 'src/cli/pod-api.ts',
    find: "tokenIn(env['FLEET_Q_API_TOKEN']?.trim())",
    replace: "env['FLEET_Q_API_TOKEN']?.trim()",
    tests: [CLI],
  },
  {
    name: 'cli/worker/api-options: a worker without a token listens at any address',
    file: 'src/cli/worker/api-options.ts',
    find: 'if (token === undefined && !isLoopback(host)) {',
    replace: "if (token === '' && !isLoopback(host)) {",
    tests: [CLI],
  },
  {
    name: 'cli/worker/api-options: a name that begins like a loopback address counts as one',
    file: 'src/cli/worker/api-options.ts',
    find: "(isIP(host) === 4 && host.startsWith('127.'))",
    replace: "(isIP(host) >= 0 && host.startsWith('127.'))",
    tests: [CLI],
  },
];
