/** What listeners of `onBrief` get, of every event that real queues emit. */
import { expect, test } from 'vitest';
import { EVENT_NAMES, type EventName } from 'fleet-q';
import { fleetInTrouble } from './support/fleet-in-trouble.js';

/** Only of stores that sleep or throttle, which SQLite does not. None of them is about a step. */
const NOT_ON_SQLITE: readonly EventName[] = ['pod:asleep', 'pod:awake', 'store:throttled', 'store:relaxed'];
const COPIES = ['args', 'metadata', 'result', 'step'];

test('the brief payload of every event is the full one without args, metadata, result and step', async () => {
  const seen: Record<'full' | 'brief', Partial<Record<EventName, object[]>>> = { full: {}, brief: {} };
  const { fleet, ada } = await fleetInTrouble(
    () => ({}),
    ({ queue }) => {
      for (const name of EVENT_NAMES) {
        queue.on(name, (payload) => void (seen.full[name] ??= []).push(payload));
        queue.onBrief(name, (payload) => void (seen.brief[name] ??= []).push(payload));
      }
    },
  );
  await fleet.until(ada.queue.stop());
  for (const name of EVENT_NAMES) {
    const brief = seen.brief[name] ?? [];
    if (NOT_ON_SQLITE.includes(name)) expect(brief, name).toEqual([]);
    else expect(brief.length, name).toBeGreaterThan(0);
    expect(
      brief.flatMap((payload) => Object.keys(payload)).filter((field) => COPIES.includes(field)),
      name,
    ).toEqual([]);
    expect(brief, name).toEqual((seen.full[name] ?? []).map(withoutCopies));
  }
});

function withoutCopies(payload: object): object {
  return Object.fromEntries(Object.entries(payload).filter(([field]) => !COPIES.includes(field)));
}
