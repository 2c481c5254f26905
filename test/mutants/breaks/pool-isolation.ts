import type { Break } from '../break.js';

export const poolIsolationBreaks: readonly Break[] = [
  {
    name: 'pool/suspects/isolation: it does not rest after a try',
    file: 'src/pool/suspects/suspect-isolation.ts',
    find: 'this.#restsUntil = now + doubleJitterMs(now - this.#since, this.#random());',
    replace: 'doubleJitterMs(now - this.#since, this.#random());',
    tests: ['test/pool/suspects/suspect-isolation.test.ts'],
  },
  {
    name: 'pool/suspects/isolation: a rest is shorter than the try',
    file: 'src/pool/suspects/suspect-isolation.ts',
    find: 'doubleJitterMs(now - this.#since, this.#random())',
    replace: 'doubleJitterMs(now - this.#since, this.#random() - 1)',
    tests: ['test/pool/suspects/suspect-isolation.test.ts'],
  },
  {
    name: 'pool/suspects/isolation: tries never get longer',
    file: 'src/pool/suspects/suspect-isolation.ts',
    find: '    this.#tries++;\n',
    replace: '',
    tests: ['test/pool/suspects/suspect-isolation.test.ts'],
  },
  {
    name: 'pool/suspects/isolation: tries stay long after a suspect has run',
    file: 'src/pool/suspects/suspect-isolation.ts',
    find: '    this.#tries = 0;\n',
    replace: '',
    tests: ['test/pool/suspects/suspect-isolation.test.ts'],
  },
  {
    name: 'pool/suspects/process-pools: any pool ends the turn of another',
    file: 'src/pool/suspects/pools-of-process.ts',
    find: '    if (turn?.of !== this.#self) return;',
    replace: '    if (turn === undefined) return;',
    tests: ['test/pool/suspects/suspect-isolation.test.ts'],
  },
  {
    name: 'pool/suspects/process-pools: the process gets no time to work after a turn',
    file: 'src/pool/suspects/pools-of-process.ts',
    find: '    this.#pools.restsUntil = now + (now - turn.since);\n',
    replace: '',
    tests: ['test/pool/suspects/suspect-isolation.test.ts'],
  },
  {
    name: 'pool/suspects/process-pools: a turn counts from when it was last extended',
    file: 'src/pool/suspects/pools-of-process.ts',
    find: 'const since = turn?.of === this.#self ? turn.since : now;',
    replace: 'const since = now;',
    tests: ['test/pool/suspects/suspect-isolation.test.ts'],
  },
  {
    name: 'pool/suspects/process-pools: a token in flight that says alone blocks no other pool',
    file: 'src/pool/suspects/pools-of-process.ts',
    find: '    for (const pool of running) if (pool !== this.#self && pool.claimsAlone()) return true;\n    return false;',
    replace: '    return false;',
    tests: ['test/pool/suspects/pools-of-process.test.ts'],
  },
  {
    name: 'pool/suspects/process-pools: a pool blocks itself',
    file: 'src/pool/suspects/pools-of-process.ts',
    find: 'if (pool !== this.#self && pool.claimsAlone()) return true',
    replace: 'if (pool.claimsAlone()) return true',
    tests: ['test/pool/suspects/suspect-isolation.test.ts'],
  },
];
