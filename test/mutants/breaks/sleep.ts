import type { Break } from '../break.js';

export const sleepBreaks: readonly Break[] = [
  {
    name: 'fleet/quiet-spell: a look that began before the token was read counts',
    file: 'src/fleet/quiet-spell.ts',
    find: 'this.#token !== undefined && look.startedAt >= this.#token.readAt',
    replace: 'this.#token !== undefined',
    tests: ['test/fleet/quiet-spell.test.ts'],
  },
  {
    name: 'fleet/quiet-spell: the gap between the looks does not count',
    file: 'src/fleet/quiet-spell.ts',
    find: '- this.#since >= this.#quietForMs',
    replace: '- this.#since >= 0',
    tests: ['test/fleet/quiet-spell.test.ts', 'test/fleet/sleep.test.ts'],
  },
  {
    name: 'fleet/quiet-spell: a token that has moved does not begin anew',
    file: 'src/fleet/quiet-spell.ts',
    find: '      this.#since = undefined;\n      return undefined;',
    replace: '      return undefined;',
    tests: ['test/fleet/quiet-spell.test.ts', 'test/fleet/sleep.test.ts'],
  },
  {
    name: 'fleet/sleep-announcement: a pod that sleeps is fenced for its silence',
    file: 'src/fleet/sleep-announcement.ts',
    find: '    fence.rest();\n',
    replace: '',
    tests: ['test/fleet/sleep.test.ts'],
  },
  {
    name: 'fleet/heartbeat: a fence does not end falling asleep',
    file: 'src/fleet/heartbeat.ts',
    find: '    this.#sleep.withdraw(); // the answer that ends the fence admits the pool\n',
    replace: '',
    tests: ['test/fleet/sleep.test.ts'],
  },
  {
    name: 'fleet/heartbeat: a pod that sleeps sends a heartbeat if something asks for one',
    file: 'src/fleet/heartbeat.ts',
    find: 'this.#gone || this.#sleep.made ? Infinity',
    replace: 'this.#gone ? Infinity',
    tests: ['test/fleet/sleep.test.ts'],
  },
  {
    name: 'fleet/sleep-announcement: one that was withdrawn is made by its answer',
    file: 'src/fleet/sleep-announcement.ts',
    find: '    this.#requested?.reject(reason);\n    this.#requested = undefined;\n',
    replace: '    this.#requested?.reject(reason);\n',
    tests: ['test/fleet/sleep.test.ts'],
  },
  {
    name: 'fleet/sleep-announcement: a pod counts as awake before its heartbeat is answered',
    file: 'src/fleet/sleep-announcement.ts',
    find: '    this.#onAwake = onAwake;\n',
    replace: '    onAwake();\n    this.#onAwake = () => undefined;\n',
    tests: ['test/fleet/sleep.test.ts'],
  },
  {
    name: 'fleet/sleep: only the monotonic clock counts',
    file: 'src/fleet/sleep.ts',
    find: 'Math.max(now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs)',
    replace: 'now.monotonicMs - since.monotonicMs',
    tests: ['test/fleet/sleep.test.ts'],
  },
  {
    name: 'fleet/sleep: only the wall clock counts',
    file: 'src/fleet/sleep.ts',
    find: 'Math.max(now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs)',
    replace: 'now.wallMs - since.wallMs',
    tests: ['test/fleet/sleep.test.ts'],
  },
];
