/** The async context of a store's calls. */
import { expect, it } from 'vitest';
import { QueueContext } from '../../src/runtime/async-context.js';
import type { Store } from '../../src/store/contract.js';
import { inContext } from '../../src/store/in-context.js';
import { inRequest, requestName } from '../support/contexts.js';

class NotingStore {
  readonly name = 'noting';
  readonly #answer = 'pulse';

  async pulse(): Promise<string> {
    return `${this.#answer} in ${requestName()}`;
  }
}

it('is that of the queue, and the caller goes on in its own', async () => {
  const context = inRequest('queue', () => new QueueContext());
  const store = inContext(new NotingStore() as unknown as Store, context);
  expect(store.name).toBe('noting');
  await inRequest('caller', async () => {
    expect(await store.pulse()).toBe('pulse in queue');
    expect(requestName()).toBe('caller');
  });
});
