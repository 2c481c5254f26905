/** Deliberate breaks of the way from an outcome to its settlement and its event. */
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
    name: 'settlement/settler: an outage fails what the store could not be asked about',
    file: 'src/settlement/settler.ts',
    find: 'if (!isRefusal(error) || settlements.length === 0) throw error;',
    replace: 'if (!(error instanceof StoreError) || settlements.length === 0) throw error;',
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: a failure that says what was refused keeps the delay of a retry',
    file: 'src/settlement/settler.ts',
    find: '      delayMs: null,\n      charge: 0,',
    replace: '      charge: 0,',
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: a failure that says what was refused is charged as the retry was',
    file: 'src/settlement/settler.ts',
    find: '      delayMs: null,\n      charge: 0,',
    replace: '      delayMs: null,',
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: what cannot be stored even as a failure stops the batch',
    file: 'src/settlement/settler.ts',
    find: 'if (!isRefusal(again)) throw again;',
    replace: "if (!isRefusal(again) || again.code === 'STORE_REFUSED') throw again;",
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: what cannot be stored even as a failure is reported as settled',
    file: 'src/settlement/settler.ts',
    find: "receipts: ['lost'] };",
    replace: "receipts: ['settled'] };",
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: waiters hear that a step ended which is tried again',
    file: 'src/settlement/settler.ts',
    find: "if (receipt === 'cancelled' || settlement.status !== 'pending') this",
    replace: 'this',
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: waiters are not told of a cancellation that the receipt told',
    file: 'src/settlement/settler.ts',
    find: "if (receipt === 'cancelled' || settlement.status !== 'pending') this",
    replace: "if (settlement.status !== 'pending') this",
    tests: ['test/settlement/settler.test.ts', 'test/pool/exchange/exchange-loop.test.ts'],
  },
  {
    name: 'settlement/settler: an uncharged return is reported as a retry',
    file: 'src/settlement/settler.ts',
    find: 'return settlement.charge === 1 ? this.#retrying',
    replace: 'return settlement.charge >= 0 ? this.#retrying',
    tests: ['test/settlement/settler.test.ts', 'test/pool/execution/outcomes.test.ts'],
  },
  {
    name: 'settlement/settler: a step told with its event stands at the version of its claim',
    file: 'src/settlement/settler.ts',
    find: 'version: claim.version + 1,',
    replace: 'version: claim.version,',
    tests: ['test/settlement/settler.test.ts', 'test/pool/execution/outcomes.test.ts'],
  },
  {
    name: 'settlement/settler: recovery settles in its own name',
    file: 'src/settlement/settler.ts',
    find: 'const { claim, podId = this.#parts.podId } = ended;',
    replace: 'const { claim } = ended;\n    const { podId } = this.#parts;',
    tests: ['test/settlement/settler.test.ts', 'test/fleet/recovery.test.ts'],
  },
];
