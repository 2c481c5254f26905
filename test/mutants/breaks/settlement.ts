/** Deliberate breaks of how claims are settled and announced. */
import type { Break } from '../break.js';

export const settlementBreaks: readonly Break[] = [
  {
    name: 'settlement/settler: the second half of a refused batch is not halved again',
    file: 'src/settlement/settler.ts',
    find: 'const second = await this.send(settlements.slice(middle), send);',
    replace:
      'const second = { settlements: settlements.slice(middle), receipts: await send(settlements.slice(middle)) };',
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: an outage fails the steps of the batch',
    file: 'src/settlement/settler.ts',
    find: 'if (!isRefusal(error) || settlements.length === 0) throw error;',
    replace:
      'const known = (thrown: unknown): thrown is StoreError => thrown instanceof Error;\n      if (!known(error) || settlements.length === 0) throw error;',
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: the failure that replaces a refused retry keeps its delay',
    file: 'src/settlement/settler.ts',
    find: '      delayMs: null,\n      charge: 0,',
    replace: '      charge: 0,',
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: the failure that replaces a refused retry is charged',
    file: 'src/settlement/settler.ts',
    find: '      delayMs: null,\n      charge: 0,',
    replace: '      delayMs: null,',
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: a failure that is refused too stops the batch',
    file: 'src/settlement/settler.ts',
    find: 'if (!isRefusal(again)) throw again;',
    replace: "if (!isRefusal(again) || again.code === 'STORE_REFUSED') throw again;",
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: a failure that is refused too counts as settled',
    file: 'src/settlement/settler.ts',
    find: "receipts: ['lost'] };",
    replace: "receipts: ['settled'] };",
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/announcer: waiters hear that a step ended although it is retried',
    file: 'src/settlement/announcer.ts',
    find: "if (receipt === 'cancelled' || settlement.status !== 'pending') this",
    replace: 'this',
    tests: ['test/settlement/announcer.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/announcer: waiters do not hear of a cancellation that only the receipt shows',
    file: 'src/settlement/announcer.ts',
    find: "if (receipt === 'cancelled' || settlement.status !== 'pending') this",
    replace: "if (settlement.status !== 'pending') this",
    tests: ['test/settlement/announcer.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/announcer: a release is announced as a retry',
    file: 'src/settlement/announcer.ts',
    find: 'return settlement.charge === 1 ? this.#retrying',
    replace: 'return settlement.charge >= 0 ? this.#retrying',
    tests: ['test/settlement/announcer.test.ts', 'test/pool/execution/outcomes.test.ts'],
  },
  {
    name: 'settlement/announcer: the step of an event has the version of its claim',
    file: 'src/settlement/announcer.ts',
    find: 'version: claim.version + 1,',
    replace: 'version: claim.version,',
    tests: ['test/settlement/announcer.test.ts', 'test/pool/execution/outcomes.test.ts'],
  },
  {
    name: 'settlement/announcer: the recovery names itself instead of the pod that held the claim',
    file: 'src/settlement/announcer.ts',
    find: '#brief({ claim, podId = this.#deps.podId }: EndedClaim) {\n',
    replace: '#brief({ claim }: EndedClaim) {\n    const { podId } = this.#deps;\n',
    tests: ['test/settlement/announcer.test.ts', 'test/fleet/recovery.test.ts'],
  },
  {
    name: 'settlement/announcer: a brief listener gets the args of a step that is retried',
    file: 'src/settlement/announcer.ts',
    find: '() => ({ ...this.#brief(ended), ...own() })] as const;',
    replace: '() => ({ ...this.#base(ended), ...own() })] as const;',
    tests: ['test/events/brief-payloads.test.ts'],
  },
];
