/** The async context in which a store's calls run. */
import { expect, it } from 'vitest';
import { QueueContext } from '../../src/runtime/async-context.js';
import type { Store } from '../../src/store/contract.js';
import { storeInContext } from '../../src/store/store-in-context.js';
import { inRequest, requestName } from '../support/contexts.js';

class NotingStore {
  readonly name = 'noting';
  readonly #answer = 'pulse';

  async pulse(): Promise<string> {
    return `${this.#answer} in ${requestName()}`;
  }
}

it('runs calls in the context of the queue, and the caller continues in its own', async () => {
  const context = inRequest('queue', () => new QueueContext());
  const store = storeInContext(new NotingStore() as unknown as Store, context);
  expect(store.name).toBe('noting');
  await inRequest('caller', async () => {
    expect(await store.pulse()).toBe('pulse in queue');
    expect(requestName()).toBe('caller');
  });
});
