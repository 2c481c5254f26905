/** A settler with its announcer, and everything that they emit. */
import { EVENT_NAMES, Events } from '../../../src/events.js';
import { createLog } from '../../../src/log.js';
import { Announcer } from '../../../src/settlement/announcer.js';
import { Settler } from '../../../src/settlement/settler.js';
import type { Claim } from '../../../src/store/contract.js';

export interface Emitted {
  readonly name: string;
  readonly payload: any;
}

export const claim = (stepId: string, over: Partial<Claim> = {}): Claim => ({
  ...{ stepId, claimToken: 'token', version: 3, type: 'work', payload: '{"type":"work","args":[1]}', priority: 0 },
  ...{ retryCount: 1, maxRetries: 3, crashes: 0, runAt: 10, createdAt: 5, ...over },
});

export function world() {
  const log = createLog('test');
  const events = new Events(log);
  const emitted: Emitted[] = [];
  for (const name of EVENT_NAMES) events.on(name, (payload: unknown) => void emitted.push({ name, payload }));
  const ended: string[] = [];
  events.onEnded((stepId) => void ended.push(stepId));
  const announcer = new Announcer({ events, log, podId: 'pod', wallMs: () => 99 });
  const settler = new Settler({
    ...{ announcer, log, random: () => 0.5 },
    rulesFor: () => ({ retry: { baseMs: 8, capMs: 1_000, factor: 1 }, maxCrashes: 3 }),
  });
  return { settler, emitted, ended };
}
